export function indexCommand(
  args: string[],
  options?: {
    load?: () => Promise<{indexSite: (options: never) => Promise<unknown>}>;
    log?: (text: string) => void;
    stream?: {isTTY?: boolean; write(text: string): unknown};
  },
): Promise<void>;

export function defaultModels(options?: {
  env?: Record<string, string | undefined>;
  home?: string;
  exists?: (path: string) => boolean;
}): string;
export function serveOllamaCommand(args: string[]): Promise<void>;

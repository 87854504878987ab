/** Additions to the browser's flags and environment, or null where lavapipe cannot be had. */
export function lavapipeChrome(): {args: string[]; env: Record<string, string>} | null;

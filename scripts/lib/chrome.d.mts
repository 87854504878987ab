export const CHROME_ARGS: string[];
export function findChrome(): string | null;
export function ensureChrome(): string;
export function chromeVersion(file: string): string;

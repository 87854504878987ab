import type {IncomingMessage, ServerResponse} from 'node:http';

export interface ServeOptions {
  root: string;
  port?: number;
  host?: string;
  headers?: Record<string, string>;
  handle?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
}
export interface Server {
  url: string;
  port: number;
  close(): Promise<void>;
}
export function serve(options: ServeOptions): Promise<Server>;
/** One range inside `size`; null when none is asked for, undefined when it cannot be met. */
export function parseRange(header: string | undefined, size: number): {start: number; end: number} | null | undefined;

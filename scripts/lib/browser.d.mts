import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Browser} from 'playwright-core';

export interface LaunchOptions {
  args?: string[];
  webgpu?: boolean;
  env?: Record<string, string>;
}
export interface ServerOptions {
  root?: string;
  port?: number;
  headers?: Record<string, string>;
  handle?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
}
export interface Site {
  server: {url: string; port: number; close: () => Promise<void>};
  browser: Browser;
  url: string;
  close(): Promise<void>;
}
export function launch(options?: LaunchOptions): Promise<Browser>;
export function openSite(options?: LaunchOptions & {server?: ServerOptions}): Promise<Site>;

import type {Browser, BrowserContext} from 'playwright-core';
import type {ServeOptions, Server} from './serve.mjs';

export interface LaunchOptions {
  args?: string[];
  webgpu?: boolean;
  env?: Record<string, string>;
  backForwardCache?: boolean;
}
export interface Site {
  server: Server;
  browser: Browser;
  url: string;
  close(): Promise<void>;
}
export function launch(options?: LaunchOptions): Promise<Browser>;
export function launchProfile(
  folder: string,
  options?: {args?: string[]; env?: Record<string, string>},
): Promise<BrowserContext>;
export function openSite(options?: LaunchOptions & {server?: Partial<ServeOptions>}): Promise<Site>;

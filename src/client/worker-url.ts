// Where the worker's script is. Knows no worker.
import {PROTOCOL_VERSION} from '../protocol/messages.ts';
import {unexpected} from '../protocol/options.ts';

/** Beside the built file that contains this line: builds must leave the name alone. */
export const DEFAULT_WORKER_URL = new URL(/* @vite-ignore */ './gemma-chat.worker.js', import.meta.url);

/**
 * The absolute address of the worker's script, with the protocol's version in its query: Safari tells shared workers
 * apart by URL only, and pages of two releases must not meet in one worker.
 * @throws GemmaError `option-invalid`
 */
export function workerUrl(workerSrc?: string | URL, base?: string): URL {
  let url: URL;
  try {
    url = new URL(workerSrc ?? DEFAULT_WORKER_URL, base);
  } catch {
    throw unexpected('workerSrc', JSON.stringify(workerSrc), 'the URL of a script');
  }
  // blob: and data: URLs name their content and have no query.
  if (/^https?:$/.test(url.protocol)) url.searchParams.set('gemma-chat', String(PROTOCOL_VERSION));
  return url;
}

// The files of one index as they are needed: fetched once, checked against their names, unpacked, kept for the next time
// and for when there is no network. Knows no format.

import {invalidIndex} from './bytes.ts';
import {KnowledgeFailure} from './failure.ts';
import {fileName, MANIFEST, MAX_FILE, MAX_MANIFEST} from './format.ts';

/** What of the platform the files need; tests bring their own. */
export interface FilesPlatform {
  fetch(
    url: string,
    options: {signal?: AbortSignal; cache?: RequestCache; credentials?: RequestCredentials},
  ): Promise<Response>;
  /** Where files stay between visits, or null. */
  caches: Pick<CacheStorage, 'open'> | null;
  /** Null where the page is not in a secure context: files are then taken as they come, unless `integrity` is asked for. */
  sha256: ((bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>) | null;
}

const CACHE = 'gemma-chat-knowledge';

/** The files of one index at one address. */
export class IndexFiles {
  /** Address of the index's folder, ending in `/`. */
  readonly url: string;
  readonly #platform: FilesPlatform;
  /** Bytes that came over the network. */
  fetchedBytes = 0;
  fetchedFiles = 0;

  constructor(url: string, platform: FilesPlatform) {
    this.url = url;
    this.#platform = platform;
  }

  /**
   * The manifest's text: the newest, or the one that was kept when the network does not answer.
   * @param integrity `sha256-…` in base64 that it must have
   */
  async manifest(integrity: string | undefined, signal?: AbortSignal): Promise<string> {
    const url = new URL(MANIFEST, this.url).href;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await this.#fetch(url, MAX_MANIFEST, 'no-cache', signal);
      await this.#check(bytes, integrity);
      await this.#keep(url, bytes);
    } catch (error) {
      const kept = isNetwork(error) ? await this.#kept(url) : null;
      if (!kept) throw error;
      await this.#check(kept, integrity);
      bytes = kept;
    }
    return new TextDecoder().decode(bytes);
  }

  /** What is in the file `name`. */
  async file(name: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const url = new URL(name, this.url).href;
    const kept = await this.#kept(url);
    if (kept) {
      try {
        return await this.#open(name, kept);
      } catch {
        // What is kept may be damaged; what is fetched is looked at again.
      }
    }
    const bytes = await this.#fetch(url, MAX_FILE, 'default', signal);
    const content = await this.#open(name, bytes);
    await this.#keep(url, bytes);
    return content;
  }

  async #open(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    // A server may have unpacked it already.
    const content = bytes[0] === 0x1f && bytes[1] === 0x8b ? await unpack(bytes) : bytes;
    const {sha256} = this.#platform;
    if (sha256 && fileName(await sha256(content)) !== name) throw invalidIndex(`${name} is not what its name says`);
    return content;
  }

  async #check(manifest: Uint8Array<ArrayBuffer>, integrity: string | undefined): Promise<void> {
    if (integrity === undefined) return;
    const {sha256} = this.#platform;
    if (!sha256)
      throw new KnowledgeFailure(
        'integrity-mismatch',
        'the index cannot be checked: the page is not served over https',
      );
    const found = `sha256-${btoa(String.fromCharCode(...(await sha256(manifest))))}`;
    if (found === integrity.trim()) return;
    throw new KnowledgeFailure(
      'integrity-mismatch',
      `the index's manifest is ${found}; expected ${integrity}. Was the index made anew?`,
    );
  }

  async #fetch(url: string, most: number, cache: RequestCache, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    let response: Response;
    try {
      response = await this.#platform.fetch(url, {signal, cache, credentials: 'same-origin'});
    } catch (cause) {
      if ((cause as Error)?.name === 'AbortError') throw cause;
      throw new KnowledgeFailure('network', `${url} could not be fetched; another origin must allow it (CORS)`, {
        cause,
        detail: {url},
      });
    }
    if (!response.ok) {
      throw new KnowledgeFailure('http-status', `${url} answered ${response.status}; is the index there?`, {
        detail: {url, status: response.status},
      });
    }
    const bytes = await collect(response.body, most, url);
    this.fetchedBytes += bytes.length;
    this.fetchedFiles += 1;
    return bytes;
  }

  async #kept(url: string): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      const cache = await this.#platform.caches?.open(CACHE);
      const response = await cache?.match(url);
      return response ? new Uint8Array(await response.arrayBuffer()) : null;
    } catch {
      return null; // a browser that keeps nothing
    }
  }

  async #keep(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const cache = await this.#platform.caches?.open(CACHE);
      await cache?.put(url, new Response(bytes));
    } catch {
      // No room, or a browser that keeps nothing: it is fetched again.
    }
  }
}

function isNetwork(error: unknown): boolean {
  return error instanceof KnowledgeFailure && error.code === 'network';
}

async function unpack(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  try {
    return await collect(stream, MAX_FILE, 'a file');
  } catch (cause) {
    throw cause instanceof KnowledgeFailure ? cause : invalidIndex('a file is no whole gzip');
  }
}

/** All of a stream. @throws KnowledgeFailure `knowledge-invalid` as soon as it is more than `most` bytes */
async function collect(
  stream: ReadableStream<Uint8Array> | null,
  most: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = stream?.getReader();
  for (;;) {
    const {done, value} = (await reader?.read()) ?? {done: true, value: undefined};
    if (done || !value) break;
    length += value.length;
    if (length > most) {
      await reader?.cancel().catch(() => undefined);
      throw invalidIndex(`${what} is larger than ${most} bytes`);
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

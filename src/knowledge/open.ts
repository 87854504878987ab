// An index over the platform's own network, cache and hashes. The worker fetches this chunk with the first question.
import {IndexFiles} from './index-files.ts';
import {SiteSearch} from './search.ts';

/** @throws KnowledgeFailure as SiteSearch.open */
export function openIndex(url: string, integrity?: string): Promise<SiteSearch> {
  const {caches, crypto} = globalThis;
  const files = new IndexFiles(url, {
    fetch: (address, options) => fetch(address, options),
    // Missing where the page is not in a secure context, and in some private windows.
    caches: caches ?? null,
    sha256: crypto?.subtle ? async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)) : null,
  });
  const {connection} = navigator as {connection?: {saveData?: boolean}};
  return SiteSearch.open(files, {integrity, meaning: connection?.saveData !== true});
}

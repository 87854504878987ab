// An index's files and its manifest over the platform's own network, cache and hashes. Knows no ranking.
import {type Manifest, parseManifest} from './format.ts';
import {IndexFiles} from './index-files.ts';

/** The files of the index at `url`. */
export function platformFiles(url: string): IndexFiles {
  const {caches, crypto} = globalThis;
  return new IndexFiles(url, {
    fetch: (address, options) => fetch(address, options),
    // Missing where the page is not in a secure context, and in some private windows.
    caches: caches ?? null,
    sha256: crypto?.subtle ? async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)) : null,
  });
}

/** @throws KnowledgeFailure `network`, `http-status`, `integrity-mismatch`, `knowledge-invalid` */
export async function readManifest(url: string, integrity?: string): Promise<Manifest> {
  return parseManifest(await platformFiles(url).manifest(integrity));
}

// Chooses the source for a model by how it was named.
import type {ByteSource} from '../gguf/byte-source.ts';
import {blobSource} from './blob-source.ts';
import {httpSource} from './http-source.ts';

/** Where a model's file is. */
export type ModelFile = {readonly url: string} | {readonly blob: Blob; readonly name?: string};

/** @throws As `httpSource` does for a URL. */
export async function openSource(model: ModelFile, options: {signal?: AbortSignal} = {}): Promise<ByteSource> {
  options.signal?.throwIfAborted();
  return 'url' in model ? httpSource(model.url, options) : blobSource(model.blob, model.name);
}

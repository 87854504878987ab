// The bytes of a file of examples: the visitor's own, or a server's. Never more than examples may take.
import {GemmaError, isAbort} from '../errors.ts';
import type {TrainingFile} from '../protocol/training.ts';
import {type DataFile, MAX_DATA_BYTES} from './data/examples.ts';

/** @throws GemmaError `training-data-invalid`, `network`, `http-status`; AbortError */
export async function readFile(file: TrainingFile, signal: AbortSignal): Promise<DataFile> {
  if ('url' in file) return fetched(file.url, signal);
  const {blob, name} = file;
  if (blob.size > MAX_DATA_BYTES) throw tooLarge(name);
  try {
    return {bytes: new Uint8Array(await blob.arrayBuffer()), name};
  } catch (cause) {
    throw new GemmaError('training-data-invalid', `${name} cannot be read any more; choose it again`, {cause});
  }
}

async function fetched(url: string, signal: AbortSignal): Promise<DataFile> {
  const name = new URL(url).pathname.split('/').at(-1) || url;
  try {
    const response = await fetch(url, {signal});
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      const {status, statusText} = response;
      throw new GemmaError('http-status', `${name}: the server answered ${status} ${statusText}. Check the address`, {
        detail: {url, status},
      });
    }
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    const reader = response.body.getReader();
    for (;;) {
      const {done, value} = await reader.read();
      if (done) break;
      size += value.length;
      if (size > MAX_DATA_BYTES) {
        await reader.cancel();
        throw tooLarge(name);
      }
      pieces.push(value as Uint8Array<ArrayBuffer>);
    }
    return {bytes: new Uint8Array(await new Blob(pieces).arrayBuffer()), name};
  } catch (error) {
    if (error instanceof GemmaError || isAbort(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new GemmaError('network', `${name} could not be fetched (${reason}). Check the connection and try again`, {
      detail: {url},
      cause: error,
    });
  }
}

function tooLarge(name: string): GemmaError {
  return new GemmaError('training-data-invalid', `${name} has more than ${MAX_DATA_BYTES} bytes, which are accepted`, {
    detail: {most: MAX_DATA_BYTES},
  });
}

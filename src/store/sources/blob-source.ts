// Model bytes in a Blob or File: chosen by the user, dropped on the page, or from a private file system.
import {GemmaError, isAbort} from '../../errors.ts';
import type {ByteSource} from '../../gguf/byte-source.ts';
import {checkRange, truncated} from './range.ts';

// A Blob may be a 5 GB file on a disk: it is read in slices, one at a time.
const PIECE_BYTES = 4 * 2 ** 20;

/** `name` is for messages; a File's own name where it is left out. */
export function blobSource(blob: Blob, name = blobName(blob)): ByteSource {
  const file = {name, size: blob.size};
  const slice = async (start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> => {
    signal?.throwIfAborted();
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch (error) {
      throw isAbort(error) ? error : unreadable(name, error);
    }
    signal?.throwIfAborted();
    if (bytes.length !== end - start) {
      throw truncated(file, `${end - start} bytes asked at ${start}, ${bytes.length} came`);
    }
    return bytes;
  };
  return {
    ...file,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(file, offset, length);
      return slice(offset, offset + length, signal);
    },
    async *stream(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(file, offset, length);
      for (let at = offset; at < offset + length; at += PIECE_BYTES) {
        yield await slice(at, Math.min(at + PIECE_BYTES, offset + length), signal);
      }
    },
  };
}

function blobName(blob: Blob): string {
  const {name} = blob as {name?: unknown};
  return typeof name === 'string' && name !== '' ? name : 'the chosen file';
}

/** A File names a file on disk; browsers answer NotReadableError once that has changed, NotFoundError once it is gone. */
function unreadable(name: string, cause: unknown): GemmaError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GemmaError(
    'file-changed',
    `${name} can no longer be read (${reason}). It was changed, moved or deleted since it was chosen: choose it again`,
    {cause},
  );
}

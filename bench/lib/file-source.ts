// A ByteSource over a file on disk, for Node.
import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import path from 'node:path';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import {checkRange} from '../../src/store/sources/range.ts';

const PIECE_BYTES = 4 * 2 ** 20; // as the sources of src/store/

export function fileSource(file: string): ByteSource {
  const descriptor = openSync(file, 'r');
  const source = {name: path.basename(file), size: fstatSync(descriptor).size};
  const readNow = (offset: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const count = readSync(descriptor, bytes, done, length - done, offset + done);
      if (count === 0) throw new Error(`${file} ended early`);
      done += count;
    }
    return bytes;
  };
  return {
    ...source,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(source, offset, length);
      return readNow(offset, length);
    },
    async *stream(offset, length, signal) {
      checkRange(source, offset, length);
      for (let at = offset; at < offset + length; at += PIECE_BYTES) {
        signal?.throwIfAborted();
        yield readNow(at, Math.min(PIECE_BYTES, offset + length - at));
      }
    },
    close: () => closeSync(descriptor),
  };
}

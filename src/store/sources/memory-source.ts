// Model bytes that are already in memory: small files and tests.
import type {ByteSource} from '../../gguf/byte-source.ts';
import {checkRange} from './range.ts';

// Small enough that a consumer can stop between pieces.
const PIECE_BYTES = 4 * 2 ** 20;

/** `bytes` are shared, not copied: reads are views, and the caller leaves them alone. */
export function memorySource(bytes: Uint8Array, name = 'memory'): ByteSource {
  const file = {name, size: bytes.length};
  return {
    ...file,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(file, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    async *stream(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(file, offset, length);
      for (let at = offset; at < offset + length; at += PIECE_BYTES) {
        signal?.throwIfAborted();
        yield bytes.subarray(at, Math.min(at + PIECE_BYTES, offset + length));
      }
    },
  };
}

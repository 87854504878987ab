// A ByteSource over bytes that counts what is asked of it, for tests of what a reader costs.
import type {ByteSource} from '../../../src/gguf/byte-source.ts';

export interface CountingSource extends ByteSource {
  /** [offset, length] of each read so far. */
  readonly reads: [number, number][];
  bytesRead(): number;
}

/** `size` may be larger than the bytes: what follows them is zeros, and costs nothing until it is read. */
export function countingSource(bytes: Uint8Array, size = bytes.length): CountingSource {
  const reads: [number, number][] = [];
  return {
    name: 'test.gguf',
    size,
    reads,
    bytesRead: () => reads.reduce((sum, [, length]) => sum + length, 0),
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      if (offset < 0 || length <= 0 || offset + length > size) throw new Error(`read of ${length} at ${offset}`);
      reads.push([offset, length]);
      const out = new Uint8Array(length);
      out.set(bytes.subarray(offset, offset + length));
      return out;
    },
    async *stream() {
      yield await Promise.reject(new Error('a header is read by ranges'));
    },
  };
}

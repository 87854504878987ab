// Several files read as one, end to end: a model that was cut into parts. Knows bytes, not what the parts hold.
import type {ByteSource} from '../../gguf/byte-source.ts';
import {checkRange} from './range.ts';

/** `parts` in order. Closing it closes them. */
export function joinedSource(parts: readonly ByteSource[]): ByteSource {
  const starts: number[] = [];
  let size = 0;
  for (const part of parts) {
    starts.push(size);
    size += part.size;
  }
  const file = {name: parts[0]?.name ?? 'no file', size};

  /** What of each part lies in a range. */
  function* pieces(offset: number, length: number): Generator<{part: ByteSource; at: number; length: number}> {
    for (const [i, part] of parts.entries()) {
      const at = Math.max(offset, starts[i]);
      const end = Math.min(offset + length, starts[i] + part.size);
      if (at < end) yield {part, at: at - starts[i], length: end - at};
    }
  }

  return {
    ...file,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(file, offset, length);
      const [first, ...others] = pieces(offset, length);
      if (!first) return new Uint8Array(0);
      if (others.length === 0) return first.part.read(first.at, first.length, signal);
      const bytes = new Uint8Array(length);
      let end = 0;
      for (const {part, at, length} of [first, ...others]) {
        bytes.set(await part.read(at, length, signal), end);
        end += length;
      }
      return bytes;
    },
    async *stream(offset, length, signal) {
      signal?.throwIfAborted();
      checkRange(file, offset, length);
      for (const {part, at, length: wanted} of pieces(offset, length)) yield* part.stream(at, wanted, signal);
    },
    async close() {
      await Promise.all(parts.map((part) => part.close?.()));
    },
  };
}

// What every ByteSource promises, as a suite that each source's test runs.
import {expect} from 'chai';
import {seededRandom} from '../../../scripts/model-files/random.ts';
import type {ByteSource} from '../../../src/gguf/byte-source.ts';
import {rejection} from './rejection.ts';

// More than two pieces of any source, and no multiple of a power of two.
const SIZE = 9 * 2 ** 20 + 77;
// "Never buffered whole": no piece larger than this.
const LARGEST_PIECE = 4 * 2 ** 20;

export function describeByteSource(title: string, open: (bytes: Uint8Array) => Promise<ByteSource>): void {
  describe(`${title} as a ByteSource`, () => {
    const bytes = pseudoRandomBytes(SIZE);
    let source: ByteSource;
    before(async () => {
      source = await open(bytes);
    });
    after(() => source.close?.());

    it('knows its size and has a name', () => {
      expect(source.size).to.equal(SIZE);
      expect(source.name).to.be.a('string').and.not.equal('');
    });

    // The edges of the file, of the first 64 KiB (which HTTP keeps), of a piece, an odd range, nothing, everything.
    const ranges = [
      [0, 1],
      [SIZE - 1, 1],
      [0, 65536],
      [65535, 2],
      [LARGEST_PIECE - 1, 3],
      [12345, 70001],
      [0, 0],
      [SIZE, 0],
      [0, SIZE],
    ];
    for (const [offset, length] of ranges) {
      it(`reads and streams ${length} bytes at ${offset}`, async () => {
        const expected = bytes.subarray(offset, offset + length);
        expectSame(await source.read(offset, length), expected);
        const pieces: Uint8Array[] = [];
        for await (const piece of source.stream(offset, length)) pieces.push(piece.slice());
        expectSame(Buffer.concat(pieces), expected);
        for (const piece of pieces) expect(piece.length).to.be.within(1, LARGEST_PIECE);
      });
    }

    it('serves reads side by side', async () => {
      const offsets = [0, 3_000_000, 70_000, SIZE - 1000];
      const reads = await Promise.all(offsets.map((offset) => source.read(offset, 1000)));
      for (const [i, offset] of offsets.entries()) expectSame(reads[i], bytes.subarray(offset, offset + 1000));
    });

    for (const [offset, length] of [
      [SIZE, 1],
      [SIZE - 1, 2],
      [2 ** 40, 1],
    ]) {
      it(`refuses ${length} bytes at ${offset}: beyond the end`, async () => {
        const error = await rejection(source.read(offset, length));
        expect(error).to.include({code: 'gguf-truncated'});
        expect(String(error)).to.include(String(SIZE));
        expect(await rejection(source.stream(offset, length)[Symbol.asyncIterator]().next())).to.include({
          code: 'gguf-truncated',
        });
      });
    }

    for (const [offset, length] of [
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, Number.NaN],
    ]) {
      it(`refuses ${length} bytes at ${offset}: no range`, async () => {
        expect(await rejection(source.read(offset, length))).to.include({code: 'internal'});
      });
    }

    it('can be read on after a stream was left early', async () => {
      for await (const piece of source.stream(100, SIZE - 100)) {
        expectSame(piece, bytes.subarray(100, 100 + piece.length));
        break;
      }
      expectSame(await source.read(5, 5), bytes.subarray(5, 10));
    });

    it('rejects with AbortError when the signal is aborted beforehand', async () => {
      const signal = AbortSignal.abort();
      expect(await rejection(source.read(0, 1, signal))).to.include({name: 'AbortError'});
      expect(await rejection(source.read(1, 0, signal))).to.include({name: 'AbortError'});
      expect(await rejection(source.stream(0, 1, signal)[Symbol.asyncIterator]().next())).to.include({
        name: 'AbortError',
      });
    });

    it('ends a stream with AbortError when the signal aborts on the way, and can be read on', async () => {
      const controller = new AbortController();
      let received = 0;
      const reading = (async () => {
        for await (const piece of source.stream(0, SIZE, controller.signal)) {
          received += piece.length;
          controller.abort();
        }
      })();
      expect(await rejection(reading)).to.include({name: 'AbortError'});
      expect(received).to.be.below(SIZE);
      expectSame(await source.read(SIZE - 5, 5), bytes.subarray(SIZE - 5));
    });
  });
}

function pseudoRandomBytes(size: number): Uint8Array {
  const random = seededRandom(size);
  const words = Uint32Array.from({length: Math.ceil(size / 4)}, () => random.u32());
  return new Uint8Array(words.buffer, 0, size);
}

/** Byte equality without chai's walk over millions of elements. */
function expectSame(found: Uint8Array, expected: Uint8Array): void {
  expect(found.length).to.equal(expected.length);
  expect(Buffer.compare(found, expected), 'the bytes differ').to.equal(0);
}

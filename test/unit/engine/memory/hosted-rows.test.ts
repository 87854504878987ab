// Rows of a table that stays in the file: what is read, in how many reads, and what is remembered.
import {expect} from 'chai';
import {noiseBytes} from '../../../../scripts/lib/noise.ts';
import {placeRow} from '../../../../src/engine/kernels/weight-layout.ts';
import type {WeightType} from '../../../../src/engine/kernels/weight-types.ts';
import {HostedRows, hostedRowCapacity} from '../../../../src/engine/memory/hosted-rows.ts';
import {layOut} from '../../../../src/engine/memory/weights.ts';
import type {ByteSource} from '../../../../src/gguf/byte-source.ts';
import {tensorBytes} from '../../../../src/gguf/ggml-types.ts';

const OFFSET = 96;

/** A table of `nRows` rows of `n` values somewhere in a file, and the reads that are made of it. */
function table(type: WeightType, n: number, nRows: number, maxRows: number) {
  const byteLength = tensorBytes(type, [n, nRows]);
  // Noise would take its time for many megabytes: a row is told by its ends.
  const bytes = byteLength < 2 ** 21 ? noiseBytes(OFFSET + byteLength) : new Uint8Array(OFFSET + byteLength);
  for (let id = 0; id < nRows; id++) {
    for (const end of [0, byteLength / nRows - 1]) bytes[OFFSET + (id * byteLength) / nRows + end] = id + 1;
  }
  const reads: [number, number][] = [];
  const state = {broken: false, waiting: 0, mostWaiting: 0};
  const source: ByteSource = {
    name: 'test',
    size: bytes.length,
    async read(offset, length) {
      reads.push([(offset - OFFSET) / layout.rowBytes, length / layout.rowBytes]);
      state.mostWaiting = Math.max(state.mostWaiting, ++state.waiting);
      await Promise.resolve();
      state.waiting--;
      if (state.broken) throw new Error('gone');
      return bytes.subarray(offset, offset + length);
    },
    // biome-ignore lint/correctness/useYield: rows are never streamed
    async *stream() {
      throw new Error('not asked for');
    },
  };
  const layout = layOut({name: 't', type, shape: [n, nRows], offset: OFFSET, byteLength}, 2 ** 27);
  const rows = new HostedRows(source, layout, maxRows);
  const expectRows = (ids: readonly number[]) => {
    ids.forEach((id, i) => {
      const at = OFFSET + id * layout.rowBytes;
      const expected = rows.data.slice();
      placeRow(type, n, bytes.subarray(at, at + layout.rowBytes), expected, i);
      expect(rows.data, `row ${id} at ${i}`).to.deep.equal(expected);
    });
  };
  return {rows, layout, reads, state, expectRows};
}

describe('HostedRows', () => {
  // Rows that need padding, and rows that do not.
  for (const [type, n] of [
    ['Q5_0', 96],
    ['BF16', 160],
  ] as const) {
    it(`lays ${type} rows out in the order asked for, repeated ones too`, async () => {
      const {rows, expectRows} = table(type, n, 50, 8);
      await rows.fetch([49, 0, 7, 0, 8, 49]);
      expectRows([49, 0, 7, 0, 8, 49]);
      await rows.fetch([8]);
      expectRows([8]);
    });
  }

  it('reads each row once, neighbours together, and none that it has', async () => {
    // 20 KB a row: only rows side by side are worth one read.
    const {rows, reads, expectRows} = table('F16', 10_240, 40, 8);
    await rows.fetch([30, 3, 4, 30, 10]);
    expect(reads.sort((a, b) => a[0] - b[0])).to.deep.equal([
      [3, 2],
      [10, 1],
      [30, 1],
    ]);
    await rows.fetch([4, 10, 11]);
    expect(reads.slice(3)).to.deep.equal([[11, 1]]);
    expectRows([4, 10, 11]);
  });

  it('keeps a bounded number of rows, the latest used', async () => {
    // 2 MiB a row: four fit the cache.
    const {rows, layout, reads, expectRows} = table('F32', 2 ** 19, 12, 2);
    expect(hostedRowCapacity(layout, 2)).to.equal(4);
    for (const id of [0, 1, 2, 3, 0, 4]) await rows.fetch([id]);
    expect(rows.cached).to.equal(4);
    expect(reads.length).to.equal(5);
    await rows.fetch([0, 3]); // used since 1, which had to go
    expect(reads.length).to.equal(5);
    await rows.fetch([1]);
    expect(reads.length).to.equal(6);
    expectRows([1]);
  });

  it('holds a whole step, however large its rows', async () => {
    const {rows, layout, expectRows} = table('F32', 2 ** 19, 12, 6);
    expect(hostedRowCapacity(layout, 6)).to.equal(6);
    await rows.fetch([0, 2, 4, 6, 8, 10]);
    await rows.fetch([1, 3, 5, 7, 9, 11]);
    expectRows([1, 3, 5, 7, 9, 11]);
    expect(rows.cached).to.equal(6);
  });

  it('reads several at a time, but not all', async () => {
    const {rows, state} = table('F16', 10_240, 64, 32);
    await rows.fetch(Array.from({length: 32}, (_, i) => 2 * i));
    expect(state.mostWaiting).to.equal(8);
  });

  it('leaves the last rows as they are when a read fails, and works again', async () => {
    const {rows, state, expectRows} = table('Q5_0', 96, 20, 4);
    await rows.fetch([1, 2]);
    state.broken = true;
    const error = await rows.fetch([2, 15]).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).to.have.property('message', 'gone');
    expectRows([1, 2]);
    state.broken = false;
    await rows.fetch([2, 15]);
    expectRows([2, 15]);
  });
});

import {noise} from '../../scripts/lib/noise.ts';
import {kvWrite} from '../../src/engine/kernels/kernels.ts';
import {expectSame} from '../helpers/close.ts';
import {rowData, runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

describe('kv_write', () => {
  // Two sequences with interleaved pages; rows on both sides of a page's edge; fewer rows than src has room for.
  for (const [width, pageSize] of [
    [1, 1],
    [24, 4],
    [513, 32],
  ] as const) {
    it(
      `puts rows of two sequences into their pages, width ${width}, pages of ${pageSize}`,
      withDevice(async (device) => {
        const pageTables = [5, 0, 3, /* second sequence */ 1, 4, 2];
        const rows = [
          {position: pageSize - 1, pageTable: 0},
          {position: pageSize, pageTable: 0},
          {position: 0, pageTable: 3},
          {position: 3 * pageSize - 1, pageTable: 3},
        ];
        const src = noise((rows.length + 2) * width);
        const cache = noise(6 * pageSize * width, 2);
        const written = await runKernel(device, kvWrite, {
          input: {step: stepData(rows.length), rows: rowData(rows), page_tables: new Uint32Array(pageTables), src},
          output: {cache},
          constants: {WIDTH: width, PAGE_SIZE: pageSize},
          shape: {nRows: rows.length + 1}, // a grid that is too large writes nothing more
        });
        reference.kvWrite(cache, src, rows, pageTables, width, pageSize);
        expectSame(written, cache);
      }),
    );
  }
});

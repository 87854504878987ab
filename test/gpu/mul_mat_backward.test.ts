import {noise} from '../../scripts/lib/noise.ts';
import {
  BACKWARD_TILES,
  type BackwardTiles,
  backwardWorkgroup,
  LARGE_BACKWARD_TILES,
  mulMatBackward,
} from '../../src/engine/kernels/mul_mat_backward.ts';
import {sumParts} from '../../src/engine/kernels/sum_parts.ts';
import {WEIGHT_TYPES, type WeightType} from '../../src/engine/kernels/weight-types.ts';
import {ggmlType} from '../../src/gguf/ggml-types.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {inBrowser, runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import {sliceRows, testWeight} from '../helpers/gpu-weights.ts';
import * as reference from '../reference/kernels.ts';

// How a type is unpacked is mul_mat's to test; which values of a row a tile has is tested here. A browser's slow adapter
// tries two of those.
for (const type of inBrowser ? (['Q4_K', 'F32'] as const) : WEIGHT_TYPES) {
  const {blockSize} = ggmlType(type);
  const nIn = blockSize === 1 ? 75 : blockSize === 32 ? 160 : 256; // 75: no multiple of 4

  describe(`mul_mat_backward_${type.toLowerCase()}`, () => {
    it(
      'equals the reference, adds to what is there, and leaves other rows as they are',
      withDevice(async (device) => {
        const [nOut, nRows] = [71, 69]; // more than a tile of rows, two rounds of W
        const weight = testWeight(type, nOut, nIn);
        const dy = noise(nRows * nOut, 3);
        const expected = reference.mulMatBackward(weight.values, dy, nIn);
        const shared = {N_IN: nIn, N_OUT: nOut, ROW_STRIDE_WORDS: weight.rowStrideWords};
        const run = (tiles: BackwardTiles, first: number, count: number, before: Float32Array, parts = 1) =>
          runKernel(device, mulMatBackward[type as WeightType], {
            input: {step: stepData(nRows, nRows + 5), dy, weight: sliceRows(weight, first, count)},
            output: {dx: before},
            constants: {
              ...tiles,
              ...shared,
              WORKGROUP_SIZE: backwardWorkgroup(tiles),
              N_SLICE_ROWS: count,
              FIRST_ROW: first,
              ACCUMULATE: parts === 1 ? 1 : 0,
              PARTS: parts,
              PART_ROWS: parts === 1 ? 2 ** 30 : 32,
            },
            shape: {nRows: nRows + 1},
          });
        const before = noise((nRows + 1) * nIn, 4);
        const sums = Float64Array.from(before, (value, i) => value + (expected[i] ?? 0));
        // f32 sums of 71 products, one after the other
        const whole = await run(BACKWARD_TILES, 0, nOut, before);
        expectClose(whole, sums, 1e-5);
        if (type !== 'Q6_K' && type !== 'F32') return;
        expectSame(await run(LARGE_BACKWARD_TILES, 0, nOut, before), whole);
        // Cut into slices of rows, as large tensors are; into parts, as long sums are.
        const half = await run(BACKWARD_TILES, 0, 36, before);
        expectClose(await run(BACKWARD_TILES, 36, 35, half), sums, 1e-5);
        const partial = await run(BACKWARD_TILES, 0, nOut, new Float32Array((nRows + 1) * 3 * nIn), 3);
        const joined = await runKernel(device, sumParts, {
          input: {step: stepData(nRows, nRows), partial},
          output: {y: before},
          constants: {WIDTH: nIn, PARTS: 3, ROW_STRIDE: 3 * nIn, PART_STRIDE: nIn, ACCUMULATE: 1},
          shape: {nRows},
        });
        expectClose(joined, sums, 1e-5);
      }),
    );
  });
}

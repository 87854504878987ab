import {noise} from '../../scripts/lib/noise.ts';
import {
  LARGE_TILES,
  mulMatTiled,
  NARROW_TILES,
  SMALL_TILES,
  type Tiles,
  tiledWorkgroup,
  WEIGHT_TYPES,
  type WeightType,
} from '../../src/engine/kernels/kernels.ts';
import {ggmlType} from '../../src/gguf/ggml-types.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {inBrowser, runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import {sliceRows, type TestWeight, testWeight} from '../helpers/gpu-weights.ts';
import * as reference from '../reference/kernels.ts';

interface Slice {
  firstRow?: number;
  count?: number;
  /** Read the row count from step.n_outputs. */
  outputs?: boolean;
}

/** y[nRows][nOut]; with a slice, the columns outside it keep 77. */
async function run(
  device: GPUDevice,
  type: WeightType,
  weight: TestWeight,
  x: Float32Array,
  [nIn, nOut]: readonly [number, number],
  tiles: Tiles = SMALL_TILES,
  {firstRow = 0, count = nOut - firstRow, outputs = false}: Slice = {},
): Promise<Float32Array> {
  const nRows = x.length / nIn;
  const y = await runKernel(device, mulMatTiled[type], {
    input: {
      step: outputs ? stepData(nRows + 9, nRows) : stepData(nRows, nRows + 9),
      x,
      weight: sliceRows(weight, firstRow, count),
    },
    // One row more than the step has: it must stay as it is.
    output: {y: new Float32Array((nRows + 1) * nOut).fill(77)},
    constants: {
      ...tiles,
      WORKGROUP_SIZE: tiledWorkgroup(tiles),
      N_IN: nIn,
      N_OUT: nOut,
      FIRST_ROW: firstRow,
      N_SLICE_ROWS: count,
      ROW_STRIDE_WORDS: weight.rowStrideWords,
      ROWS: outputs ? 1 : 0,
    },
    shape: {nRows: nRows + 1},
  });
  expectSame(y.subarray(nRows * nOut), new Float32Array(nOut).fill(77));
  return y.subarray(0, nRows * nOut);
}

const SLICED: readonly WeightType[] = ['F16', 'Q6_K', 'Q4_K'];

// How a type is unpacked is mul_mat's to test; a browser's slow adapter tries some here.
for (const type of inBrowser ? SLICED : WEIGHT_TYPES) {
  const {blockSize} = ggmlType(type);
  // Less than a round of the tile, an odd number of rounds.
  const lengths = blockSize === 1 ? [4, 1156] : blockSize === 32 ? [32, 96] : [256, 768];

  describe(`mul_mat_tiled_${type.toLowerCase()}`, () => {
    it(
      'equals the reference for one output and row, and for tiles that are not full',
      withDevice(async (device) => {
        for (const [nOut, nIn, nRows] of [
          [1, lengths[0], 1],
          [77, lengths[1], 69],
        ]) {
          const weight = testWeight(type, nOut, nIn);
          const x = noise(nRows * nIn, nRows);
          const y = await run(device, type, weight, x, [nIn, nOut], SMALL_TILES, {outputs: nRows === 1});
          expectClose(y, reference.mulMat(weight.values, x, nIn), 1e-5); // f32 sums of up to 1156 products, one after the other
        }
      }),
    );

    it(
      'gives a row the same bits wherever it stands',
      withDevice(async (device) => {
        const [nIn, nOut] = [lengths[1], 13];
        const weight = testWeight(type, nOut, nIn);
        const row = noise(nIn, 3);
        const alone = await run(device, type, weight, row, [nIn, nOut]);
        for (const [rows, at] of [
          [9, 5],
          [70, 66],
        ]) {
          const x = noise(rows * nIn, 4);
          x.set(row, at * nIn);
          const y = await run(device, type, weight, x, [nIn, nOut]);
          expectSame(y.subarray(at * nOut, (at + 1) * nOut), alone);
        }
      }),
    );

    if (!SLICED.includes(type)) return;
    it(
      'has the same bits with other tiles, and with slices for the whole',
      withDevice(async (device) => {
        const [nIn, nOut] = [lengths[1], 141];
        const weight = testWeight(type, nOut, nIn);
        const x = noise(133 * nIn, 5);
        const whole = await run(device, type, weight, x, [nIn, nOut]);
        for (const tiles of [NARROW_TILES, LARGE_TILES, {ROW_TILE: 128, OUTPUT_TILE: 128, DEPTH: 16, ROW_QUADS: 4}]) {
          expectSame(await run(device, type, weight, x, [nIn, nOut], tiles), whole);
        }
        for (const [firstRow, count] of [
          [2, 9],
          [70, 71],
        ]) {
          const y = await run(device, type, weight, x, [nIn, nOut], SMALL_TILES, {firstRow, count});
          const inside = (i: number) => i % nOut >= firstRow && i % nOut < firstRow + count;
          expectSame(
            y,
            whole.map((value, i) => (inside(i) ? value : 77)),
          );
        }
      }),
    );
  });
}

import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {
  addParts,
  LARGE_TILES,
  mulMatTiled,
  NARROW_TILES,
  partsOf,
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
  /** Of so many values each, and added. */
  partLength?: number;
}

/** y[nRows][nOut]; with a slice, the columns outside it keep 77. */
async function run(
  device: GPUDevice,
  type: WeightType,
  weight: TestWeight,
  x: Float32Array,
  [nIn, nOut]: readonly [number, number],
  tiles: Tiles = SMALL_TILES,
  {firstRow = 0, count = nOut - firstRow, outputs = false, partLength = 0}: Slice = {},
): Promise<Float32Array> {
  const nRows = x.length / nIn;
  const step = outputs ? stepData(nRows + 9, nRows) : stepData(nRows, nRows + 9);
  const ROWS = outputs ? 1 : 0;
  const parts = partsOf(nIn, nOut, partLength);
  const {PARTS} = parts;
  // One row more than the step has: it must stay as it is.
  const untouched = (width: number) => new Float32Array((nRows + 1) * width).fill(77);
  let y = await runKernel(device, mulMatTiled[type], {
    input: {step, x, weight: sliceRows(weight, firstRow, count)},
    output: {y: untouched(PARTS * nOut)},
    constants: {
      ...tiles,
      ...parts,
      WORKGROUP_SIZE: tiledWorkgroup(tiles),
      N_IN: nIn,
      N_OUT: nOut,
      FIRST_ROW: firstRow,
      N_SLICE_ROWS: count,
      ROW_STRIDE_WORDS: weight.rowStrideWords,
      ROWS,
    },
    shape: {nRows: nRows + 1},
  });
  expectSame(y.subarray(nRows * PARTS * nOut), new Float32Array(PARTS * nOut).fill(77));
  if (partLength > 0) {
    expect(PARTS).to.be.above(2);
    y = await runKernel(device, addParts, {
      input: {step, partial: y},
      output: {y: untouched(nOut)},
      constants: {N: nOut, PARTS, ROWS},
      shape: {nRows: nRows + 1},
    });
    expectSame(y.subarray(nRows * nOut), new Float32Array(nOut).fill(77));
  }
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

    // Many pipelines, and the arithmetic of the tests above.
    if (!inBrowser) {
      it(
        'adds the sums of parts: the reference’s, with the same bits wherever a row stands and whatever the tiles',
        withDevice(async (device) => {
          // Of 160, 64 and 96 values, the last of the first two shorter; the third cut blocks of K-quants.
          const [nIn, partLength] = blockSize === 1 ? [1096, 137] : blockSize === 32 ? [224, 56] : [768, 96];
          const nOut = 77;
          const weight = testWeight(type, nOut, nIn);
          const x = noise(69 * nIn, 6);
          const y = await run(device, type, weight, x, [nIn, nOut], SMALL_TILES, {partLength});
          expectClose(y, reference.mulMat(weight.values, x, nIn), 1e-5);
          for (const [at, tiles] of [
            [66, SMALL_TILES],
            [0, NARROW_TILES],
          ] as const) {
            const row = x.slice(at * nIn, (at + 1) * nIn);
            const alone = await run(device, type, weight, row, [nIn, nOut], tiles, {partLength, outputs: at === 0});
            expectSame(alone, y.subarray(at * nOut, (at + 1) * nOut));
          }
        }),
      );
    }

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

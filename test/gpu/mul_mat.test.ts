import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {mulMat, mulMatFor, WEIGHT_TYPES, type WeightType} from '../../src/engine/kernels/kernels.ts';
import {ggmlType} from '../../src/gguf/ggml-types.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import {sliceRows, type TestWeight, testWeight} from '../helpers/gpu-weights.ts';
import * as reference from '../reference/kernels.ts';

interface Slice {
  firstRow?: number;
  count?: number;
  /** Read the row count from step.n_outputs. */
  outputs?: boolean;
}

/** y[nRows][nOut]; with a slice, the columns outside it keep 77. */
function run(
  device: GPUDevice,
  type: WeightType,
  weight: TestWeight,
  x: Float32Array,
  [nIn, nOut]: readonly [number, number],
  {firstRow = 0, count = nOut - firstRow, outputs = false}: Slice = {},
): Promise<Float32Array> {
  const nRows = x.length / nIn;
  return runKernel(device, mulMatFor(type, nIn), {
    input: {
      step: outputs ? stepData(nRows + 9, nRows) : stepData(nRows, nRows + 9),
      x,
      weight: sliceRows(weight, firstRow, count),
    },
    // One row more than the step has: it must stay as it is.
    output: {y: new Float32Array((nRows + 1) * nOut).fill(77)},
    constants: {
      N_IN: nIn,
      N_OUT: nOut,
      FIRST_ROW: firstRow,
      N_SLICE_ROWS: count,
      ROW_STRIDE_WORDS: weight.rowStrideWords,
      ROWS: outputs ? 1 : 0,
    },
    shape: {nRows: nRows + 1},
  }).then((y) => {
    expectSame(y.subarray(nRows * nOut), new Float32Array(nOut).fill(77));
    return y.subarray(0, nRows * nOut);
  });
}

/** Slices are the business of the part that all types share: tried on words, half words and vectors of words. */
const SLICED: readonly WeightType[] = ['F16', 'Q6_K', 'Q4_K'];

for (const type of WEIGHT_TYPES) {
  const {blockSize} = ggmlType(type);
  // Fewer groups of 32 than a team has invocations, an odd number of blocks, more than one round of the team (16 · 32).
  const lengths = blockSize === 1 ? [1, 37, 1154] : blockSize === 32 ? [32, 96, 1152] : [256, 768, 2304];

  describe(`mul_mat_${type.toLowerCase()}`, () => {
    for (const [i, nIn] of lengths.entries()) {
      // One output, a tile that is not full, several tiles; the same of rows.
      const nOut = [1, 13, 40][i];
      it(
        `equals the reference at [${nOut} × ${nIn}] for 1, 4, 6 and 19 rows${i === 1 ? ' of n_outputs' : ''}`,
        withDevice(async (device) => {
          const weight = testWeight(type, nOut, nIn);
          for (const nRows of [1, 4, 6, 19]) {
            const x = noise(nRows * nIn, nRows);
            const y = await run(device, type, weight, x, [nIn, nOut], {outputs: i === 1});
            expectClose(y, reference.mulMat(weight.values, x, nIn), 3e-6); // f32 sums of up to 2304 products
          }
        }),
      );
    }

    it(
      'gives a row the same bits alone and among 1 … 20 others, wherever it stands',
      withDevice(async (device) => {
        const [nIn, nOut] = [lengths[2], 40];
        const weight = testWeight(type, nOut, nIn);
        const row = noise(nIn, 3);
        const alone = await run(device, type, weight, row, [nIn, nOut]);
        for (const [others, at] of [
          [1, 1],
          [2, 0],
          [4, 3],
          [7, 7],
          [8, 8],
          [20, 13],
        ]) {
          const x = noise((others + 1) * nIn, 4);
          x.set(row, at * nIn);
          const y = await run(device, type, weight, x, [nIn, nOut]);
          expectSame(y.subarray(at * nOut, (at + 1) * nOut), alone);
        }
      }),
    );

    if (!SLICED.includes(type)) return;
    it(
      'joins slices into the same bits as the whole',
      withDevice(async (device) => {
        const [nIn, nOut] = [lengths[1], 13];
        const weight = testWeight(type, nOut, nIn);
        const x = noise(3 * nIn, 5);
        const whole = await run(device, type, weight, x, [nIn, nOut], {outputs: true});
        for (const [firstRow, count] of [
          [2, 9],
          [11, 2],
        ]) {
          const y = await run(device, type, weight, x, [nIn, nOut], {firstRow, count, outputs: true});
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

describe('mul_mat grid', () => {
  it('fits a head of 262144 rows, and one of many more, into 65535 workgroups a dimension', () => {
    for (const nOut of [262144, 524281, 3_000_000]) {
      const [x, y, z] = mulMat.Q6_K.grid(
        {nRows: 64},
        {
          N_IN: 2304,
          N_SLICE_ROWS: nOut,
          FIRST_ROW: 0,
          N_OUT: nOut,
          ROW_STRIDE_WORDS: 473,
          ROWS: 0,
          WORKGROUP_SIZE: 64,
          TEAM: 8,
        },
      );
      expect(Math.max(x, y, z)).to.be.at.most(65535);
      expect(32 * x * y).to.be.within(nOut, nOut + 32 * (y + 1));
      expect(z).to.equal(16);
    }
  });
});

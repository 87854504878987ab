import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {mulMatId, mulMatIdFor, WEIGHT_TYPES, type WeightType} from '../../src/engine/kernels/kernels.ts';
import {ggmlType} from '../../src/gguf/ggml-types.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import {sliceRows, type TestWeight, testWeight} from '../helpers/gpu-weights.ts';
import * as reference from '../reference/kernels.ts';

interface Case {
  nIn: number;
  nOut: number;
  nExpert: number;
  used: number;
  expertRows?: number;
  offset?: number;
  /** Rows of the tensor that the kernel gets; default: all. */
  slice?: readonly [first: number, count: number];
}

/** y[nRows][used][nOut]; what the slice does not hold keeps 77, and so does one row more than the step has. */
async function run(
  device: GPUDevice,
  type: WeightType,
  weight: TestWeight,
  x: Float32Array,
  experts: readonly number[],
  {nIn, nOut, nExpert, used, expertRows = nOut, offset = 0, slice = [0, nExpert * expertRows]}: Case,
): Promise<Float32Array> {
  const nRows = experts.length / used;
  const y = await runKernel(device, mulMatIdFor(type, nIn), {
    input: {step: stepData(nRows, 0), x, experts: Uint32Array.from(experts), weight: sliceRows(weight, ...slice)},
    output: {y: new Float32Array((nRows + 1) * used * nOut).fill(77)},
    constants: {
      N_IN: nIn,
      N_OUT: nOut,
      USED: used,
      EXPERT_ROWS: expertRows,
      EXPERT_OFFSET: offset,
      X_PER_EXPERT: x.length / nIn === experts.length ? 1 : 0,
      FIRST_ROW: slice[0],
      N_SLICE_ROWS: slice[1],
      ROW_STRIDE_WORDS: weight.rowStrideWords,
    },
    shape: {nRows: nRows + 1},
  });
  expectSame(y.subarray(nRows * used * nOut), new Float32Array(used * nOut).fill(77));
  return y.subarray(0, nRows * used * nOut);
}

/** Experts for each row, no two of a row the same. */
const choose = (nRows: number, nExpert: number, used: number): number[] =>
  Array.from({length: nRows * used}, (_, pair) => (3 * Math.floor(pair / used) + 2 * (pair % used)) % nExpert);

for (const type of WEIGHT_TYPES) {
  const {blockSize} = ggmlType(type);
  // An odd number of blocks, or a row that ends within a chunk of 8.
  const nIn = blockSize === 1 ? 37 : 3 * blockSize;

  describe(`mul_mat_id_${type.toLowerCase()}`, () => {
    it(
      'equals the reference for gate and up of one tensor, and a row has the same bits alone',
      withDevice(async (device) => {
        const shape = {nIn, nOut: 13, nExpert: 5, used: 2, expertRows: 26};
        const weight = testWeight(type, shape.nExpert * shape.expertRows, nIn);
        const x = noise(4 * nIn, 3);
        const experts = choose(4, shape.nExpert, shape.used);
        for (const offset of [0, 13]) {
          const y = await run(device, type, weight, x, experts, {...shape, offset});
          const expected = reference.mulMatId(weight.values, x, nIn, experts, 2, {...shape, offset});
          expectClose(y, expected, 3e-6); // f32 sums of up to 768 products
          const alone = await run(device, type, weight, x.subarray(2 * nIn, 3 * nIn), experts.slice(4, 6), {
            ...shape,
            offset,
          });
          expectSame(alone, y.subarray(4 * 13, 6 * 13));
        }
      }),
    );
  });
}

describe('mul_mat_id', () => {
  const nIn = 96;

  it(
    'takes an input for each expert of a row, as down projections do',
    withDevice(async (device) => {
      const shape = {nIn, nOut: 40, nExpert: 4, used: 3};
      const weight = testWeight('Q8_0', 160, nIn);
      const experts = choose(5, 4, 3);
      const x = noise(15 * nIn, 2);
      const y = await run(device, 'Q8_0', weight, x, experts, shape);
      expectClose(y, reference.mulMatId(weight.values, x, nIn, experts, 3, {...shape, expertRows: 40}), 3e-6);
    }),
  );

  it(
    'joins slices that end within an expert and within a tile into the same bits as the whole',
    withDevice(async (device) => {
      const shape = {nIn, nOut: 19, nExpert: 4, used: 2, expertRows: 38, offset: 19};
      const weight = testWeight('Q4_0', 152, nIn);
      const experts = choose(3, 4, 2);
      const x = noise(3 * nIn, 5);
      const whole = await run(device, 'Q4_0', weight, x, experts, shape);
      const rowOf = (i: number) => experts[Math.floor(i / 19)] * 38 + 19 + (i % 19);
      for (const [first, count] of [
        [0, 60], // expert 1's up rows begin at 57
        [60, 4],
        [64, 88],
      ] as const) {
        const y = await run(device, 'Q4_0', weight, x, experts, {...shape, slice: [first, count]});
        expectSame(
          y,
          whole.map((value, i) => (rowOf(i) >= first && rowOf(i) < first + count ? value : 77)),
        );
      }
    }),
  );

  it('fits 4096 rows of 8 experts into 65535 workgroups a dimension', () => {
    const constants = {N_IN: 2816, N_OUT: 704, USED: 8, EXPERT_ROWS: 1408, EXPERT_OFFSET: 0, X_PER_EXPERT: 0};
    const slice = {FIRST_ROW: 0, N_SLICE_ROWS: 180224, ROW_STRIDE_WORDS: 396, WORKGROUP_SIZE: 64, TEAM: 8};
    const [x, y, z] = mulMatId.Q4_K.grid({nRows: 4096}, {...constants, ...slice});
    expect(Math.max(x, y, z)).to.be.at.most(65535);
    expect(x * y).to.be.within(4096 * 8 * 23, 4096 * 8 * 23 + y);
  });
});

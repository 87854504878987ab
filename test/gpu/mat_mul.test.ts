import {noise} from '../../scripts/lib/noise.ts';
import {MAT_MUL_ROWS, matMul} from '../../src/engine/kernels/mat_mul.ts';
import {sumParts} from '../../src/engine/kernels/sum_parts.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

const SMALL = {M_TILE: 64, N_TILE: 16, WORKGROUP_SIZE: 64};
const LARGE = {M_TILE: 64, N_TILE: 64, WORKGROUP_SIZE: 256};

describe('mat_mul', () => {
  // What a low-rank term needs: x · Aᵀ, t · Bᵀ, dy · B, and over the rows dyᵀ · t. Rank 5 is no multiple of anything.
  const strides: [string, readonly [number, number, number], 'm' | 'k', (M: number, N: number, K: number) => object][] =
    [
      ['rows by rows', [70, 5, 77], 'm', (_M, _N, K) => ({A_M: K, A_K: 1, B_K: 1, B_N: K})],
      ['rows by columns', [66, 70, 5], 'm', (_M, N, K) => ({A_M: K, A_K: 1, B_K: N, B_N: 1})],
      ['columns by columns', [67, 5, 81], 'k', (M, N) => ({A_M: 1, A_K: M, B_K: N, B_N: 1})],
    ];
  for (const [name, [M, N, K], rows, stridesOf] of strides) {
    it(
      `equals the reference for ${name}, and adds to what is there`,
      withDevice(async (device) => {
        const by = stridesOf(M, N, K) as reference.MatMulStrides;
        const [a, b, before] = [noise(M * K, 1), noise(K * N, 2), noise((M + 3) * N, 3)];
        const expected = reference.matMul(a, b, [M, N, K], by);
        const sums = Float64Array.from(before, (value, i) => value + 0.5 * (expected[i] ?? 0));
        const nRows = rows === 'm' ? M : K;
        // The sizes that rows stand for are the most there may be.
        const sizes = {M: rows === 'm' ? M + 3 : M, N, K: rows === 'k' ? K + 9 : K, ROWS: MAT_MUL_ROWS[rows]};
        const run = (tiles: object, parts: number) =>
          runKernel(device, matMul, {
            input: {step: stepData(nRows), a, b},
            output: {c: parts === 1 ? before : new Float32Array(parts * sizes.M * N)},
            constants: {
              ...tiles,
              ...sizes,
              ...by,
              SCALE: 0.5,
              PARTS: parts,
              PART_LENGTH: parts === 1 ? 2 ** 30 : 32,
              ACCUMULATE: parts === 1 ? 1 : 0,
            },
            shape: {nRows},
          });
        const whole = await run(SMALL, 1);
        expectClose(whole, sums, 1e-5); // f32 sums of up to 81 products
        expectSame(await run(LARGE, 1), whole);
        const partial = await run(SMALL, 3);
        const joined = await runKernel(device, sumParts, {
          input: {step: stepData(nRows), partial},
          output: {y: before},
          constants: {N_ROWS: M, WIDTH: N, PARTS: 3, ROW_STRIDE: N, PART_STRIDE: sizes.M * N, ACCUMULATE: 1},
          shape: {nRows},
        });
        expectClose(joined, sums, 1e-5);
      }),
    );
  }
});

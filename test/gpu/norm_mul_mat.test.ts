// norm_mul_mat_parts and norm_mul_mat_geglu: a branch's norm, the residual and the next norm within the products that read them.
import {noise} from '../../scripts/lib/noise.ts';
import {normMulMatGeglu, normMulMatParts} from '../../src/engine/kernels/kernels.ts';
import {ggmlType} from '../../src/gguf/ggml-types.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {inBrowser, runKernelOutputs, withDevice} from '../helpers/gpu.ts';
import {testWeight} from '../helpers/gpu-weights.ts';
import * as reference from '../reference/kernels.ts';

const DECODE = 2; // as in shaders/lib/row_range.wgsl
const EPS = 1e-6;
const needs = {features: ['subgroups' as GPUFeatureName], limits: {maxStorageBuffersPerShaderStage: 10}};
const TEAMS = [
  {TEAM: 32, WORKGROUP_SIZE: 64},
  {TEAM: 128, WORKGROUP_SIZE: 128},
];

describe('norm_mul_mat_parts and norm_mul_mat_geglu', () => {
  // One of each way of scaling: how sums are joined is the business of all types alike.
  for (const type of inBrowser ? (['Q4_0'] as const) : (['F16', 'Q4_0', 'Q5_1', 'Q8_0', 'Q4_K', 'Q6_K'] as const)) {
    const {blockSize} = ggmlType(type);
    const nIn = blockSize === 1 ? 104 : blockSize === 32 ? 416 : 768;
    it(
      `of ${type} equal the references, and a row has the same bits alone and among others`,
      withDevice(async (device) => {
        const [nOut, nRows] = [20, 6];
        const [a, b, c] = [1, 2, 3].map((seed) => testWeight(type, nOut, nIn, seed));
        // A stream as models have it: large beside a branch's output, and with an outlier.
        const h = noise(nRows * nIn, 4).map((value, i) => value * (i % nIn === 5 ? 300 : 20));
        const [x, weight, next_weight] = [noise(nRows * nIn, 5), noise(nIn, 6), noise(nIn, 7)];
        const scale = Float32Array.of(0.7);
        const branch = reference.rmsNorm(x, weight, nIn, EPS);
        const sum = Float64Array.from(branch, (value, i) => (value + h[i]) * scale[0]);
        const z = reference.rmsNorm(sum, next_weight, nIn, EPS);
        const [az, bz, cz] = [a, b, c].map(({values}) => reference.mulMat(values, z, nIn));
        for (const team of type === 'Q4_0' ? TEAMS : TEAMS.slice(0, 1)) {
          const run = async (rows: number) => {
            const of = (data: Float32Array) => data.subarray(0, rows * nIn);
            const common = {
              step: Uint32Array.of(rows, rows, rows, 0),
              x: of(x),
              h: of(h),
              weight,
              scale,
              next_weight,
            };
            const matrix = {...team, EPS, N_IN: nIn, ROW_STRIDE_WORDS: a.rowStrideWords, ROWS: DECODE};
            const parts = await runKernelOutputs(device, normMulMatParts[type], {
              input: {...common, a: a.bytes, b: b.bytes, c: c.bytes},
              output: {sum: rows * nIn, y: rows * 3 * nOut},
              constants: {...matrix, N_OUT: 3 * nOut, QUADS_A: 5, QUADS_B: 5, QUADS_C: 5},
              shape: {nRows: rows},
            });
            const gated = await runKernelOutputs(device, normMulMatGeglu[type], {
              input: {...common, gate: a.bytes, up: b.bytes},
              output: {sum: rows * nIn, y: rows * nOut},
              constants: {...matrix, N_OUT: nOut},
              shape: {nRows: rows},
            });
            return [parts.get('sum')!, parts.get('y')!, gated.get('sum')!, gated.get('y')!];
          };
          const all = await run(nRows);
          const joined = Array.from({length: nRows}, (_, r) =>
            [az, bz, cz].flatMap((y) => [...y.subarray(r * nOut, (r + 1) * nOut)]),
          ).flat();
          expectClose(all[0], sum, 2e-6); // f32 sums of squares against f64
          expectSame(all[2], all[0]);
          expectClose(all[1], joined, 1e-5);
          expectClose(all[3], reference.geglu(az, bz, az.length), 2e-5);
          const first = await run(1);
          for (const [i, found] of all.entries()) expectSame(found.subarray(0, first[i].length), first[i]);
        }
      }, needs),
    );
  }
});

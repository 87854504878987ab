import {noise} from '../../scripts/lib/noise.ts';
import {sumExperts} from '../../src/engine/kernels/kernels.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

const run = (device: GPUDevice, x: Float32Array, weights: Float32Array, n: number, used: number) =>
  runKernel(device, sumExperts, {
    input: {step: stepData(weights.length / used, 0), x, weights},
    output: {y: new Float32Array(x.length / used + n).fill(77)},
    constants: {N: n, USED: used},
    shape: {nRows: weights.length / used + 1},
  });

describe('sum_experts', () => {
  // One expert; a width that no workgroup divides; 26B-A4B's eight.
  for (const [nRows, n, used] of [
    [1, 5, 1],
    [3, 67, 2],
    [5, 256, 8],
  ] as const) {
    it(
      `equals the reference at [${nRows}, ${used}, ${n}], leaves the row behind the step, and a row its bits alone`,
      withDevice(async (device) => {
        const x = noise(nRows * used * n);
        const weights = noise(nRows * used, 2);
        const y = await run(device, x, weights, n, used);
        expectClose(y.subarray(0, nRows * n), reference.sumExperts(x, weights, n, used), 1e-6);
        expectSame(y.subarray(nRows * n), new Float32Array(n).fill(77));
        const last = nRows - 1;
        const alone = await run(device, x.subarray(last * used * n), weights.subarray(last * used), n, used);
        expectSame(alone.subarray(0, n), y.subarray(last * n, nRows * n));
      }),
    );
  }
});

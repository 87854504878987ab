import {noise} from '../../scripts/lib/noise.ts';
import {rmsNorm} from '../../src/engine/kernels/kernels.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {runKernel, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

const EPS = 1e-6;

describe('rms_norm', () => {
  // One element, a row that is no multiple of the workgroup, Gemma 3 1B's row.
  for (const [nRows, n] of [
    [1, 1],
    [3, 257],
    [17, 1152],
  ] as const) {
    it(
      `equals the reference at [${nRows}, ${n}]`,
      withDevice(async (device) => {
        const x = noise(nRows * n);
        const weight = noise(n, 2);
        const y = await runKernel(device, rmsNorm, {
          input: {x, weight},
          output: {y: x.length},
          constants: {N: n, EPS},
          shape: {nRows},
        });
        expectClose(y, reference.rmsNorm(x, weight, n, EPS), 1e-5); // f32 sums against f64
      }),
    );
  }

  it(
    'ignores the weight without HAS_WEIGHT',
    withDevice(async (device) => {
      const x = noise(4 * 64);
      const y = await runKernel(device, rmsNorm, {
        input: {x, weight: new Float32Array(4)},
        output: {y: x.length},
        constants: {N: 64, EPS, HAS_WEIGHT: 0},
        shape: {nRows: 4},
      });
      expectClose(y, reference.rmsNorm(x, undefined, 64, EPS), 1e-5);
    }),
  );

  it(
    'keeps zeros, tiny and huge rows finite',
    withDevice(async (device) => {
      // 1e15² · 32 is still an f32; squares of 1e-25 are not, and EPS rules.
      const x = new Float32Array(96).fill(1e15, 32, 64).fill(1e-25, 64);
      const weight = new Float32Array(32).fill(1);
      const y = await runKernel(device, rmsNorm, {
        input: {x, weight},
        output: {y: x.length},
        constants: {N: 32, EPS},
        shape: {nRows: 3},
      });
      expectClose(y, reference.rmsNorm(x, weight, 32, EPS), 1e-5);
    }),
  );

  it(
    'covers more than 65535 vectors and leaves the rows behind them alone',
    withDevice(async (device) => {
      const nRows = 65537; // two rows of workgroups, of which the last one is too many
      const x = noise(nRows * 2);
      const weight = noise(2, 2);
      const y = await runKernel(device, rmsNorm, {
        input: {x, weight},
        output: {y: x.length},
        constants: {N: 2, EPS},
        shape: {nRows},
      });
      const tail = 2 * (nRows - 3);
      expectClose(y.subarray(tail), reference.rmsNorm(x.subarray(tail), weight, 2, EPS), 1e-5);
      const few = await runKernel(device, rmsNorm, {
        input: {x: x.subarray(0, 8), weight},
        output: {y: new Float32Array(8).fill(7)},
        constants: {N: 2, EPS},
        shape: {nRows: 3},
      });
      expectSame(few.subarray(6), [7, 7]);
    }),
  );
});

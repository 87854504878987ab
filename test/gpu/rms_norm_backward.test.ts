import {noise} from '../../scripts/lib/noise.ts';
import {rmsNormBackward} from '../../src/engine/kernels/backward.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {DIFFERENCE_TOLERANCE, differences} from '../helpers/differences.ts';
import {runKernel, withDevice} from '../helpers/gpu.ts';
import * as backward from '../reference/backward.ts';
import * as reference from '../reference/kernels.ts';

const EPS = 1e-6;

interface Inputs {
  x: Float32Array;
  weight?: Float32Array;
  dy: Float32Array;
  n: number;
}

const run = (device: GPUDevice, {x, weight, dy, n}: Inputs, dx: number | Float32Array = x.length, ACCUMULATE = 0) =>
  runKernel(device, rmsNormBackward, {
    input: {x, weight: weight ?? new Float32Array(4), dy},
    output: {dx},
    constants: {N: n, EPS, HAS_WEIGHT: weight ? 1 : 0, ACCUMULATE},
    shape: {nRows: x.length / n},
  });
const expected = ({x, weight, dy, n}: Inputs) => backward.rmsNormBackward(x, weight, dy, n, EPS);

describe('rms_norm_backward', () => {
  it('has a reference that equals finite differences', () => {
    const [n, dy] = [7, noise(3 * 7, 3)];
    // Also a vector so small that EPS is a part of its root mean square.
    const x = noise(3 * n).map((value, i) => (i < n ? 1e-3 * value : value));
    for (const weight of [noise(n, 2), undefined]) {
      const found = differences((at) => reference.rmsNorm(at, weight, n, 1e-2), x, dy);
      expectClose(backward.rmsNormBackward(x, weight, dy, n, 1e-2), found, DIFFERENCE_TOLERANCE);
    }
  });

  // One element, a row that is no multiple of the workgroup, Gemma 3 1B's row.
  for (const [nRows, n] of [
    [1, 1],
    [3, 257],
    [17, 1152],
  ] as const) {
    it(
      `equals the reference at [${nRows}, ${n}], with and without a weight`,
      withDevice(async (device) => {
        const given = {x: noise(nRows * n), weight: noise(n, 2), dy: noise(nRows * n, 3), n};
        expectClose(await run(device, given), expected(given), 1e-5); // f32 sums against f64
        const plain = {...given, weight: undefined};
        expectClose(await run(device, plain), expected(plain), 1e-5);
      }),
    );
  }

  it(
    'adds to what is there, once for each vector, and leaves what is past the end alone',
    withDevice(async (device) => {
      const given = {x: noise(3 * 67), weight: noise(67, 2), dy: noise(3 * 67, 3), n: 67};
      const before = noise(3 * 67 + 5, 4);
      const dx = await run(device, given, before, 1);
      const sum = expected(given).map((value, i) => value + before[i]);
      expectClose(dx.subarray(0, 3 * 67), sum, 1e-5);
      expectSame(dx.subarray(3 * 67), before.subarray(3 * 67));
    }),
  );

  it(
    'keeps zeros, tiny and huge vectors finite',
    withDevice(async (device) => {
      const n = 32;
      // Zeros; 1e15, whose squares are still f32; 1e-25, whose squares are not, where EPS rules.
      const sizes = [0, 1e15, 1e-25];
      const x = noise(3 * n).map((value, i) => value * sizes[Math.floor(i / n)]);
      const given = {x, weight: noise(n, 2), dy: noise(3 * n, 3), n};
      const dx = await run(device, given);
      // Vectors apart: their gradients differ by 18 orders of magnitude.
      for (const [v, size] of [1e-3, 1e15, 1e-3].entries()) {
        const of = (values: Float32Array | Float64Array) =>
          Float64Array.from(values.subarray(v * n, (v + 1) * n), (value) => value * size);
        expectClose(of(dx), of(expected(given)), 1e-5);
      }
    }),
  );

  it(
    'covers more than 65535 vectors',
    withDevice(async (device) => {
      const given = {x: noise(65537 * 2), weight: noise(2, 2), dy: noise(65537 * 2, 3), n: 2};
      const dx = await run(device, given);
      const tail = {...given, x: given.x.subarray(-8), dy: given.dy.subarray(-8)};
      expectClose(dx.subarray(-8), expected(tail), 1e-4); // two values: a nearly whole gradient cancels
    }),
  );
});

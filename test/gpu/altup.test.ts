// The kernels of Gemma 3n alone: altup_predict, altup_correct, match_rms, gaussian_topk.

import {noise} from '../../scripts/lib/noise.ts';
import {altupCorrect, altupPredict, gaussianTopk, matchRms} from '../../src/engine/kernels/kernels.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {runKernel, runKernelOutputs, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

const streamsOf = (length: number) => [1, 2, 3, 4].map((seed) => noise(length, seed));
/** Streams as the kernels hold them: 1 … 3 side by side in a row. */
const packed = (streams: readonly ArrayLike<number>[], n: number) => ({
  active_stream: Float32Array.from(streams[0]),
  others: Float32Array.from({length: 3 * streams[0].length}, (_, at) => {
    const [row, stream, i] = [Math.floor(at / (3 * n)), 1 + (Math.floor(at / n) % 3), at % n];
    return streams[stream][row * n + i];
  }),
});

// One value, a row that is no multiple of the workgroup, Gemma 3n's width.
const SHAPES = [
  [1, 1],
  [3, 67],
  [2, 2048],
] as const;

describe('altup_predict', () => {
  for (const [nRows, n] of SHAPES) {
    it(
      `mixes four streams in place at [${nRows}, ${n}]`,
      withDevice(async (device) => {
        const streams = streamsOf(nRows * n);
        const coefs = noise(nRows * 16, 5);
        const found = await runKernelOutputs(device, altupPredict, {
          input: {coefs},
          output: packed(streams, n),
          constants: {N: n, COEF_SCALE: 0.3},
          shape: {nRows},
        });
        const expected = packed(reference.altupPredict(streams, coefs, n, 0.3), n);
        expectClose(found.get('active_stream')!, expected.active_stream, 1e-6);
        expectClose(found.get('others')!, expected.others, 1e-6);
      }),
    );
  }
});

describe('altup_correct', () => {
  for (const [nRows, n] of SHAPES) {
    it(
      `moves four streams by what stream 0 gained at [${nRows}, ${n}]`,
      withDevice(async (device) => {
        const streams = streamsOf(nRows * n);
        const [activated, coefs, scale] = [noise(nRows * n, 5), noise(nRows * 4, 6), noise(n, 7)];
        const found = await runKernelOutputs(device, altupCorrect, {
          input: {activated, coefs, scale},
          output: {...packed(streams, n), scaled: nRows * n},
          constants: {N: n, COEF_SCALE: 0.3},
          shape: {nRows},
        });
        const expected = reference.altupCorrect(streams, activated, coefs, scale, 0.3);
        const {active_stream, others} = packed(expected.streams, n);
        expectClose(found.get('active_stream')!, active_stream, 1e-6);
        expectClose(found.get('others')!, others, 1e-6);
        expectClose(found.get('scaled')!, expected.scaled, 1e-6);
      }),
    );
  }
});

describe('match_rms', () => {
  const EPS = 1e-5;
  const run = (device: GPUDevice, x: Float32Array, target: Float32Array, n: number, y: number | Float32Array) =>
    runKernel(device, matchRms, {
      input: {x, target_rows: target},
      output: {y},
      constants: {N: n, EPS, PER_TARGET: x.length / target.length},
      shape: {nRows: target.length / n},
    });

  for (const [nRows, n] of SHAPES) {
    it(
      `equals the reference at [${nRows}, ${n}]`,
      withDevice(async (device) => {
        const [x, target] = [noise(nRows * n), noise(nRows * n, 2).map((value) => 30 * value)];
        const y = await run(device, x, target, n, x.length);
        expectClose(y, reference.matchRms(x, target, n, EPS), 1e-5); // f32 sums against f64
      }),
    );
  }

  it(
    'scales three vectors a row to one of another',
    withDevice(async (device) => {
      const [x, target] = [noise(4 * 3 * 67), noise(4 * 67, 2).map((value, i) => value * (1 + Math.floor(i / 67)))];
      expectClose(await run(device, x, target, 67, x.length), reference.matchRms(x, target, 67, EPS), 1e-5);
    }),
  );

  it(
    'does not blow up rows that are all but zero, and writes no row behind the end',
    withDevice(async (device) => {
      // Mean squares of 0, of 1e-8 (below EPS) and of 1e-4 (above it).
      const x = new Float32Array(96).fill(1e-4, 32, 64).fill(1e-2, 64);
      const target = new Float32Array(96).fill(2);
      const y = await run(device, x, target, 32, new Float32Array(96));
      expectClose(y, reference.matchRms(x, target, 32, EPS), 1e-5);
      expectSame(y.subarray(0, 32), new Float32Array(32));
      const few = await run(device, x, target, 32, new Float32Array(70).fill(7));
      expectSame(few.subarray(64), new Float32Array(6).fill(7));
    }),
  );
});

describe('gaussian_topk', () => {
  const KAPPA = 1.6448536; // 95 % become zero
  for (const [nRows, n] of [
    [1, 1],
    [3, 67],
    [2, 8192],
  ] as const) {
    it(
      `equals the reference at [${nRows}, ${n}]`,
      withDevice(async (device) => {
        const x = noise(nRows * n);
        const y = await runKernel(device, gaussianTopk, {
          input: {x},
          output: {y: x.length},
          constants: {N: n, KAPPA},
          shape: {nRows},
        });
        expectClose(y, reference.gaussianTopk(x, n, KAPPA), 1e-5); // f32 sums against f64
      }),
    );
  }

  it(
    'keeps its footing where the mean is a thousand times the spread',
    withDevice(async (device) => {
      const x = noise(3 * 257).map((value) => 1000 + value);
      const y = await runKernel(device, gaussianTopk, {
        input: {x},
        output: {y: x.length},
        constants: {N: 257, KAPPA: -0.5},
        shape: {nRows: 3},
      });
      // The mean of 257 f32 values near 1000 is known to about 1e-4.
      expectClose(y, reference.gaussianTopk(x, 257, -0.5), 5e-4);
    }),
  );
});

// The gradients of Gemma 3n's own operations: altup_predict, altup_correct, match_rms, gaussian_topk, and sum_experts.
import {noise} from '../../scripts/lib/noise.ts';
import {
  altupCorrectBackward,
  altupPredictBackward,
  gaussianTopkBackward,
  matchRmsBackward,
  sumExpertsBackward,
} from '../../src/engine/kernels/backward.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {DIFFERENCE_TOLERANCE, differences} from '../helpers/differences.ts';
import {runKernel, runKernelOutputs, withDevice} from '../helpers/gpu.ts';
import * as backward from '../reference/backward.ts';
import * as reference from '../reference/kernels.ts';

const SCALE = 0.3;
const [DIFFERENCE_ROWS, DIFFERENCE_N] = [2, 7];
// One value, a row that is no multiple of the workgroup, Gemma 3n's width.
const SHAPES = [
  [1, 1],
  [3, 67],
  [2, 2048],
] as const;
/** Sums of 2,048 products in f32 against f64. */
const TOLERANCE = 1e-5;

const streamsOf = (length: number, first = 1) => [0, 1, 2, 3].map((i) => noise(length, first + i));
/** Streams 1 … 3 side by side in a row. */
const others = (streams: readonly ArrayLike<number>[], n: number) =>
  Float32Array.from({length: 3 * streams[0].length}, (_, at) => {
    const [row, stream, i] = [Math.floor(at / (3 * n)), 1 + (Math.floor(at / n) % 3), at % n];
    return streams[stream][row * n + i];
  });
const joined = (arrays: readonly ArrayLike<number>[]) => arrays.flatMap((each) => Array.from(each));
/** Four streams of one array. */
const cut = (values: ArrayLike<number>) => {
  const all = Array.from(values);
  return [0, 1, 2, 3].map((i) => all.slice((i * all.length) / 4, ((i + 1) * all.length) / 4));
};

describe('altup_predict_backward', () => {
  it('has a reference that equals finite differences', () => {
    const n = DIFFERENCE_N;
    const length = DIFFERENCE_ROWS * n;
    const [streams, dy, coefs] = [streamsOf(length), streamsOf(length, 5), noise(DIFFERENCE_ROWS * 16, 9)];
    const found = backward.altupPredictBackward(streams, coefs, dy, n, SCALE);
    const y = (s: readonly ArrayLike<number>[], c: ArrayLike<number>) => joined(reference.altupPredict(s, c, n, SCALE));
    const byStreams = differences((at) => y(cut(at), coefs), joined(streams), joined(dy));
    expectClose(joined(found.streams), byStreams, DIFFERENCE_TOLERANCE);
    const byCoefs = differences((at) => y(streams, at), coefs, joined(dy));
    expectClose(found.dcoefs, byCoefs, DIFFERENCE_TOLERANCE);
  });

  for (const [nRows, n] of SHAPES) {
    it(
      `equals the reference at [${nRows}, ${n}]`,
      withDevice(async (device) => {
        const [streams, dy, coefs] = [streamsOf(nRows * n), streamsOf(nRows * n, 5), noise(nRows * 16, 9)];
        const found = await runKernelOutputs(device, altupPredictBackward, {
          input: {
            coefs,
            active_stream: streams[0],
            others: others(streams, n),
            dy_active: dy[0],
            dy_others: others(dy, n),
          },
          output: {dactive: nRows * n, dothers: 3 * nRows * n, dcoefs: coefs.length},
          constants: {N: n, COEF_SCALE: SCALE},
          shape: {nRows},
        });
        const expected = backward.altupPredictBackward(streams, coefs, dy, n, SCALE);
        expectClose(found.get('dactive')!, expected.streams[0], TOLERANCE);
        expectClose(found.get('dothers')!, others(expected.streams, n), TOLERANCE);
        expectClose(found.get('dcoefs')!, expected.dcoefs, TOLERANCE);
      }),
    );
  }
});

describe('altup_correct_backward', () => {
  const scene = (nRows: number, n: number) => ({
    streams: streamsOf(nRows * n),
    dy: streamsOf(nRows * n, 5),
    activated: noise(nRows * n, 9),
    coefs: noise(nRows * 4, 10),
    scale: noise(n, 11),
    dscaled: noise(nRows * n, 12),
  });

  it('has a reference that equals finite differences', () => {
    const {streams, dy, activated, coefs, scale, dscaled} = scene(DIFFERENCE_ROWS, DIFFERENCE_N);
    const found = backward.altupCorrectBackward(streams, activated, coefs, scale, dy, dscaled, SCALE);
    const y = (s: readonly ArrayLike<number>[], a: ArrayLike<number>, c: ArrayLike<number>) => {
      const after = reference.altupCorrect(s, a, c, scale, SCALE);
      return joined([...after.streams, after.scaled]);
    };
    const gradient = joined([...dy, dscaled]);
    const byStreams = differences((at) => y(cut(at), activated, coefs), joined(streams), gradient);
    expectClose(joined(found.streams), byStreams, DIFFERENCE_TOLERANCE);
    const byActivated = differences((at) => y(streams, at, coefs), activated, gradient);
    expectClose(found.dactivated, byActivated, DIFFERENCE_TOLERANCE);
    const byCoefs = differences((at) => y(streams, activated, at), coefs, gradient);
    expectClose(found.dcoefs, byCoefs, DIFFERENCE_TOLERANCE);
  });

  for (const [nRows, n] of SHAPES) {
    it(
      `equals the reference at [${nRows}, ${n}]`,
      withDevice(async (device) => {
        const {streams, dy, activated, coefs, scale, dscaled} = scene(nRows, n);
        const found = await runKernelOutputs(device, altupCorrectBackward, {
          input: {activated, coefs, scale, active_stream: streams[0], dy_others: others(dy, n)},
          output: {dactive: dy[0], dactivated: dscaled, dcoefs: coefs.length},
          constants: {N: n, COEF_SCALE: SCALE},
          shape: {nRows},
        });
        const expected = backward.altupCorrectBackward(streams, activated, coefs, scale, dy, dscaled, SCALE);
        expectClose(found.get('dactive')!, expected.streams[0], TOLERANCE);
        expectClose(found.get('dactivated')!, expected.dactivated, TOLERANCE);
        expectClose(found.get('dcoefs')!, expected.dcoefs, TOLERANCE);
        // What the rule hands on without a kernel.
        for (const i of [1, 2, 3]) expectSame(Float32Array.from(expected.streams[i]), dy[i]);
      }),
    );
  }
});

describe('match_rms_backward', () => {
  const EPS = 1e-5;
  const run = (
    device: GPUDevice,
    [x, target, dy]: readonly Float32Array<ArrayBuffer>[],
    n: number,
    dtarget: number | Float32Array<ArrayBuffer> = target.length,
  ) =>
    runKernelOutputs(device, matchRmsBackward, {
      input: {x, target_rows: target, dy},
      output: {dx: x.length, dtarget},
      constants: {
        N: n,
        EPS,
        PER_TARGET: x.length / target.length,
        ACCUMULATE_TARGET: typeof dtarget === 'number' ? 0 : 1,
      },
      shape: {nRows: target.length / n},
    });

  it('has a reference that equals finite differences, in rows that are all but zero too', () => {
    const n = DIFFERENCE_N;
    const x = noise(2 * 3 * n).map((value, i) => (i < n ? 1e-4 * value : value));
    const [target, dy] = [noise(2 * n, 2), noise(x.length, 3)];
    const found = backward.matchRmsBackward(x, target, dy, n, EPS);
    // A step that stays small beside the smallest vector.
    const byX = differences((at) => reference.matchRms(at, target, n, EPS), x, dy, 1e-6);
    expectClose(found.dx, byX, DIFFERENCE_TOLERANCE);
    const byTarget = differences((at) => reference.matchRms(x, at, n, EPS), target, dy);
    expectClose(found.dtarget, byTarget, DIFFERENCE_TOLERANCE);
  });

  for (const [nRows, n] of SHAPES) {
    it(
      `equals the reference at [${nRows}, ${n}] with three vectors a target, set and added`,
      withDevice(async (device) => {
        const inputs = [noise(nRows * 3 * n), noise(nRows * n, 2).map((value) => 30 * value), noise(nRows * 3 * n, 3)];
        const [x, target, dy] = inputs;
        const expected = backward.matchRmsBackward(x, target, dy, n, EPS);
        const found = await run(device, inputs, n);
        // Differences of terms as large as the targets, 30: of one value they are all but nothing.
        expectClose(found.get('dx')!, expected.dx, 3 * TOLERANCE);
        expectClose(found.get('dtarget')!, expected.dtarget, TOLERANCE);
        const before = noise(target.length, 4);
        const added = await run(device, inputs, n, before);
        // A GPU may multiply and add in one rounding.
        expectClose(
          added.get('dtarget')!,
          before.map((value, i) => value + found.get('dtarget')![i]),
          1e-6,
        );
      }),
    );
  }

  it(
    'stays finite at zeros',
    withDevice(async (device) => {
      // Mean squares of 0, of 1e-8 (below EPS) and of 1e-4 (above it); the last target is 0.
      const x = new Float32Array(96).fill(1e-4, 32, 64).fill(1e-2, 64);
      const target = new Float32Array(96).fill(2, 0, 64);
      const dy = noise(96);
      const expected = backward.matchRmsBackward(x, target, dy, 32, EPS);
      const found = await run(device, [x, target, dy], 32);
      expectClose(found.get('dx')!, expected.dx, TOLERANCE);
      expectClose(found.get('dtarget')!, expected.dtarget, TOLERANCE);
    }),
  );
});

describe('gaussian_topk_backward', () => {
  const KAPPA = 1.6448536; // 95 % become zero
  const run = (
    device: GPUDevice,
    x: Float32Array<ArrayBuffer>,
    dy: Float32Array<ArrayBuffer>,
    n: number,
    kappa: number,
  ) =>
    runKernel(device, gaussianTopkBackward, {
      input: {x, dy},
      output: {dx: x.length},
      constants: {N: n, KAPPA: kappa},
      shape: {nRows: x.length / n},
    });

  it('has a reference that equals finite differences', () => {
    for (const kappa of [0.4, -0.7]) {
      const [x, dy] = [noise(3 * 20), noise(3 * 20, 2)];
      const found = differences((at) => reference.gaussianTopk(at, 20, kappa), x, dy);
      expectClose(backward.gaussianTopkBackward(x, dy, 20, kappa), found, DIFFERENCE_TOLERANCE);
    }
  });

  for (const [nRows, n] of [
    [1, 1],
    [3, 67],
    [2, 8192],
  ] as const) {
    it(
      `equals the reference at [${nRows}, ${n}]`,
      withDevice(async (device) => {
        const [x, dy] = [noise(nRows * n), noise(nRows * n, 2)];
        const dx = await run(device, x, dy, n, KAPPA);
        expectClose(dx, backward.gaussianTopkBackward(x, dy, n, KAPPA), TOLERANCE);
      }),
    );
  }

  it(
    'has no gradient where all values are equal',
    withDevice(async (device) => {
      const dx = await run(device, new Float32Array(2 * 64).fill(0.5), noise(2 * 64), 64, KAPPA);
      expectSame(dx, new Float32Array(2 * 64));
    }),
  );
});

describe('sum_experts_backward', () => {
  it(
    'equals the reference, which equals finite differences',
    withDevice(async (device) => {
      const [nRows, n, used] = [4, 67, 3];
      const [x, weights, dy] = [noise(nRows * used * n), noise(nRows * used, 2), noise(nRows * n, 3)];
      const expected = backward.sumExpertsBackward(dy, weights, n, used);
      const found = differences((at) => reference.sumExperts(at, weights, n, used), x, dy);
      expectClose(expected, found, DIFFERENCE_TOLERANCE);
      const dx = await runKernel(device, sumExpertsBackward, {
        input: {weights, dy},
        output: {dx: x.length},
        constants: {N: n, USED: used},
        shape: {nRows},
      });
      expectClose(dx, expected, 1e-6);
    }),
  );
});

// attention_train, attention_delta, attention_backward_queries, attention_backward_keys.
import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {
  attentionBackwardKeys,
  attentionBackwardQueries,
  attentionDelta,
  attentionTrain,
} from '../../src/engine/kernels/backward.ts';
import {sumParts} from '../../src/engine/kernels/sum_parts.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {DIFFERENCE_TOLERANCE, differences} from '../helpers/differences.ts';
import {inBrowser, rowData, runKernel, runKernelOutputs, stepData, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/backward.ts';

interface Case {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  scale?: number;
  window?: number;
  softcap?: number;
  /** Rows of each sequence. */
  lengths: readonly number[];
  /** Multiplies q: large ones make the softmax sharp. */
  sharpness?: number;
  groups?: number;
}

// A kernel is compiled for each width of heads, which takes a software adapter seconds: there are two.
const cases: Record<string, Case> = {
  'one row': {nHead: 1, nHeadKv: 1, headDim: 16, lengths: [1]},
  'packed sequences, four heads a KV head': {nHead: 4, nHeadKv: 1, headDim: 16, lengths: [70, 1, 3, 90]},
  'a window shorter than a tile, three heads a KV head': {
    nHead: 6,
    nHeadKv: 2,
    headDim: 16,
    window: 7,
    lengths: [100, 40],
  },
  'a window longer than a tile': {nHead: 2, nHeadKv: 1, headDim: 16, window: 80, lengths: [150, 30]},
  'capped scores': {nHead: 4, nHeadKv: 2, headDim: 16, scale: 1, softcap: 50, lengths: [33, 40], sharpness: 3},
  'a sharp softmax': {nHead: 2, nHeadKv: 1, headDim: 16, scale: 1, lengths: [70], sharpness: 40},
  // Wider than three times 32 quads, and no multiple of what is fetched at a time.
  'eight heads of 404 that share': {
    nHead: 8,
    nHeadKv: 1,
    headDim: 404,
    scale: 1,
    lengths: [11],
    sharpness: 0.05,
    groups: 8,
  },
};

function scene({nHead, nHeadKv, headDim, window = 0, softcap = 0, lengths, sharpness = 1, groups = 4, ...rest}: Case) {
  const shape = {nHead, nHeadKv, headDim, window, softcap, scale: rest.scale ?? headDim ** -0.5};
  const firsts = lengths.map((_, s) => lengths.slice(0, s).reduce((a, b) => a + b, 0));
  const rows = lengths.flatMap((length, s) =>
    Array.from({length}, (_, position) => ({position, pageTable: firsts[s]})),
  );
  const starts = rows.map(({pageTable}) => pageTable);
  const n = rows.length;
  const q = noise(n * nHead * headDim).map((x) => x * sharpness);
  const [k, v] = [noise(n * nHeadKv * headDim, 2), noise(n * nHeadKv * headDim, 3)];
  const dy = noise(q.length, 4);
  const batch = {step: stepData(n), rows: rowData(rows)};
  const constants = {
    N_HEAD: nHead,
    N_HEAD_KV: nHeadKv,
    BLOCKS: Math.ceil(headDim / 128),
    QUADS: headDim / 4,
    SCALE: shape.scale,
    WINDOW: window,
    SOFTCAP: softcap,
    GROUPS: groups,
  };
  const forward = async (device: GPUDevice) => {
    const found = await runKernelOutputs(device, attentionTrain, {
      input: {...batch, q, k, v},
      output: {y: q.length, log_sums: n * nHead},
      constants,
      shape: {nRows: n},
    });
    return {y: found.get('y')!, logSums: found.get('log_sums')!};
  };
  /** What the two backward kernels read, from the kernels before them. */
  const inputs = async (device: GPUDevice) => {
    const {y, logSums} = await forward(device);
    const statistics = await runKernel(device, attentionDelta, {
      input: {y, dy, log_sums: logSums},
      output: {statistics: 2 * n * nHead},
      constants: {N_HEAD: nHead, HEAD_DIM: headDim},
      shape: {nRows: n},
    });
    return {...batch, q, k, v, dy, statistics};
  };
  const backward = async (device: GPUDevice) => {
    const input = await inputs(device);
    const common = {input, constants, shape: {nRows: n}};
    const dq = await runKernel(device, attentionBackwardQueries, {...common, output: {dq: q.length}});
    const output = {dk: k.length, dv: v.length};
    const found = await runKernelOutputs(device, attentionBackwardKeys, {...common, output});
    return {dq, dk: found.get('dk')!, dv: found.get('dv')!};
  };
  return {shape, starts, n, q, k, v, dy, constants, inputs, forward, backward};
}

describe('attention_train', () => {
  it('has a reference whose gradients equal finite differences', () => {
    for (const each of [
      {nHead: 4, nHeadKv: 2, headDim: 3, lengths: [5, 1, 4], window: 0, softcap: 0},
      {nHead: 2, nHeadKv: 1, headDim: 4, lengths: [6, 3], window: 3, softcap: 2},
    ]) {
      const {shape, starts, q, k, v, dy} = scene(each);
      const {dq, dk, dv} = reference.attentionBackward(q, k, v, dy, starts, shape);
      const y = (...[a, b, c]: ArrayLike<number>[]) => reference.attentionTrain(a, b, c, starts, shape).y;
      const of = (f: (at: Float64Array) => ArrayLike<number>, x: ArrayLike<number>) => differences(f, x, dy);
      expectClose(
        dq,
        of((at) => y(at, k, v), q),
        DIFFERENCE_TOLERANCE,
      );
      expectClose(
        dk,
        of((at) => y(q, at, v), k),
        DIFFERENCE_TOLERANCE,
      );
      expectClose(
        dv,
        of((at) => y(q, k, at), v),
        DIFFERENCE_TOLERANCE,
      );
    }
  });

  for (const [name, each] of Object.entries(cases)) {
    if (inBrowser && each.headDim !== 16) continue; // another adapter, but no other arithmetic
    // f32 scores: those of order 100 carry an f32 error of 1e-5, and e^x makes it relative.
    const tolerance = each.sharpness ? 3e-4 : 1e-5;
    it(
      `equals the reference with ${name}, forwards and backwards`,
      withDevice(async (device) => {
        const {shape, starts, q, k, v, dy, forward, backward} = scene(each);
        const expected = reference.attentionTrain(q, k, v, starts, shape);
        const {y, logSums} = await forward(device);
        expectClose(y, expected.y, tolerance);
        expectClose(logSums, expected.logSums, 1e-5);
        const gradients = reference.attentionBackward(q, k, v, dy, starts, shape);
        const {dq, dk, dv} = await backward(device);
        expectClose(dq, gradients.dq, tolerance);
        expectClose(dk, gradients.dk, tolerance);
        expectClose(dv, gradients.dv, tolerance);
      }),
    );
  }

  it(
    'adds to gradients that are there, and leaves rows past the step alone',
    withDevice(async (device) => {
      const {n, k, constants, inputs, backward} = scene(cases['a window shorter than a tile, three heads a KV head']);
      const first = await backward(device);
      const [dk, dv] = [noise(k.length + 12, 5), noise(k.length + 12, 6)];
      const found = await runKernelOutputs(device, attentionBackwardKeys, {
        input: await inputs(device),
        output: {dk, dv},
        constants: {...constants, ACCUMULATE_KEYS: 1, ACCUMULATE_VALUES: 1},
        shape: {nRows: n + 300}, // workgroups past the last row too
      });
      for (const [after, before, gradient] of [
        [found.get('dk')!, dk, first.dk],
        [found.get('dv')!, dv, first.dv],
      ]) {
        const sum = gradient.map((value, i) => value + before[i]);
        expectClose(after.subarray(0, k.length), sum, 1e-6);
        expectSame(after.subarray(k.length), before.subarray(k.length));
      }
    }),
  );

  it(
    'gives the same sums by parts of the heads',
    withDevice(async (device) => {
      const {n, k, shape, constants, inputs, backward} = scene(cases['packed sequences, four heads a KV head']);
      const {dk, dv} = await backward(device);
      const [PARTS, WIDTH] = [2, shape.nHeadKv * shape.headDim];
      const found = await runKernelOutputs(device, attentionBackwardKeys, {
        input: await inputs(device),
        output: {dk: PARTS * k.length, dv: PARTS * k.length},
        constants: {...constants, PARTS},
        shape: {nRows: n},
      });
      for (const [parts, whole] of [
        [found.get('dk')!, dk],
        [found.get('dv')!, dv],
      ]) {
        const sum = await runKernel(device, sumParts, {
          input: {step: stepData(n), partial: parts},
          output: {y: k.length},
          constants: {WIDTH, PARTS, ROW_STRIDE: PARTS * WIDTH, PART_STRIDE: WIDTH},
          shape: {nRows: n},
        });
        expectClose(sum, whole, 1e-5);
      }
    }),
  );

  it(
    'stays finite where scores are a thousand apart, keys are zero or a cap is reached',
    withDevice(async (device) => {
      const made = scene({nHead: 2, nHeadKv: 1, headDim: 16, scale: 1, lengths: [40], softcap: 30, sharpness: 1e4});
      made.k.fill(0, 0, 5 * 16);
      const {dq, dk, dv} = await made.backward(device);
      for (const gradient of [dq, dk, dv]) expect(gradient.every(Number.isFinite)).to.equal(true);
      const plain = scene({nHead: 2, nHeadKv: 1, headDim: 16, scale: 1, lengths: [40], sharpness: 1e3});
      const found = await plain.backward(device);
      // One key has all the weight: no score matters, and each dy goes to one value.
      for (const gradient of [found.dq, found.dk, found.dv]) expect(gradient.every(Number.isFinite)).to.equal(true);
      const total = (values: Float32Array, i: number) =>
        values.reduce((sum, value, at) => sum + (at % 16 === i ? value : 0), 0);
      for (const i of [0, 15]) expect(total(found.dv, i)).to.be.closeTo(total(plain.dy, i), 1e-3);
    }),
  );

  it(
    'takes 2,048 rows',
    withDevice(async (device) => {
      const {n, q, k, v, dy, starts, shape, constants, inputs} = scene({
        nHead: 2,
        nHeadKv: 1,
        headDim: 16,
        window: 40,
        lengths: [2000, 48],
      });
      const found = await runKernelOutputs(device, attentionBackwardKeys, {
        input: await inputs(device),
        output: {dk: k.length, dv: v.length},
        constants,
        shape: {nRows: n},
      });
      const {dk, dv} = reference.attentionBackward(q, k, v, dy, starts, shape);
      expectClose(found.get('dk')!, dk, 1e-5);
      expectClose(found.get('dv')!, dv, 1e-5);
    }),
  );
});

// The gradients of kernels of one value an invocation: geglu, add_scaled, softcap, rope.
import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {
  addScaledBackward,
  gegluBackward,
  gegluGateBackward,
  ropeBackward,
  softcapBackward,
} from '../../src/engine/kernels/backward.ts';
import {ropeTable} from '../../src/engine/kernels/kernels.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {DIFFERENCE_TOLERANCE, differences} from '../helpers/differences.ts';
import {rowData, runKernel, runKernelOutputs, withDevice} from '../helpers/gpu.ts';
import * as backward from '../reference/backward.ts';
import * as reference from '../reference/kernels.ts';

describe('geglu_backward', () => {
  // ±40 and ±1000 overflow exp; 4.4 … 5.4 is where the argument of tanh reaches 10; 1e20² is no f32.
  const hostile = [0, 0.3, -0.3, 1.7, -3, 4.4, -4.4, 5, -5, 5.4, -5.4, 40, -40, 1000, -1000, 1e20, -1e20];

  it('has a reference that equals finite differences', () => {
    const [gate, up, dy] = [noise(40).map((value) => 2 * value), noise(3 * 40, 2), noise(40, 3)];
    for (const [n, stride, offset] of [
      [40, 40, 0],
      [8, 24, 16],
    ]) {
      const {dgate} = backward.gegluBackward(gate, up, dy, n, stride, offset);
      const found = differences((at) => reference.geglu(at, up, n, stride, offset), gate, dy);
      expectClose(dgate, found, DIFFERENCE_TOLERANCE);
    }
    const {dup} = backward.gegluBackward(gate, up, dy, 40);
    const found = differences((at) => reference.geglu(gate, at, 40), up.subarray(0, 40), dy);
    expectClose(dup, found, DIFFERENCE_TOLERANCE);
  });

  for (const [nRows, n] of [
    [1, 1],
    [5, 69],
    [2, 2048],
  ] as const) {
    it(
      `equals the reference at [${nRows}, ${n}]`,
      withDevice(async (device) => {
        const gate = noise(nRows * n).map((value) => 3 * value);
        const [up, dy] = [noise(gate.length, 2), noise(gate.length, 3)];
        const found = await runKernelOutputs(device, gegluBackward, {
          input: {gate, up, dy},
          output: {dgate: gate.length, dup: gate.length},
          constants: {N: n},
          shape: {nRows},
        });
        const {dgate, dup} = backward.gegluBackward(gate, up, dy, n);
        expectClose(found.get('dgate')!, dgate, 1e-6);
        expectClose(found.get('dup')!, dup, 1e-6);
      }),
    );
  }

  it(
    'takes its slice of a wider `up` that is frozen, as the per-layer embeddings lie',
    withDevice(async (device) => {
      const [n, stride, offset] = [33, 96, 62];
      const [gate, up, dy] = [noise(4 * n), noise(4 * stride, 2), noise(4 * n, 3)];
      const dgate = await runKernel(device, gegluGateBackward, {
        input: {gate, up, up_offset: Float32Array.of(offset), dy},
        output: {dgate: gate.length},
        constants: {N: n, UP_STRIDE: stride},
        shape: {nRows: 4},
      });
      expectClose(dgate, backward.gegluBackward(gate, up, dy, n, stride, offset).dgate, 1e-6);
    }),
  );

  it(
    'is exact where tanh has ended and close where the clamp begins',
    withDevice(async (device) => {
      const gate = Float32Array.from(hostile);
      const n = gate.length;
      const ones = new Float32Array(n).fill(1);
      const found = await runKernelOutputs(device, gegluBackward, {
        input: {gate, up: ones, dy: ones},
        output: {dgate: n, dup: n},
        constants: {N: n},
        shape: {nRows: 1},
      });
      const expected = backward.gegluBackward(gate, ones, ones, n);
      const [dgate, dup] = [found.get('dgate')!, found.get('dup')!];
      const ended = hostile.indexOf(40);
      for (let i = 0; i < ended; i++) {
        expect(dgate[i], `gelu′(${gate[i]})`).to.be.closeTo(expected.dgate[i], 1e-6);
        expect(dup[i], `gelu(${gate[i]})`).to.be.closeTo(expected.dup[i], 2e-6);
      }
      expectSame(dgate.subarray(ended), [1, 0, 1, 0, 1, 0]);
      expectSame(dup.subarray(ended), [40, 0, 1000, 0, gate[n - 2], 0]);
    }),
  );
});

describe('add_scaled_backward', () => {
  it('has a reference that equals finite differences', () => {
    const [a, b, dy] = [noise(2 * 12), noise(2 * 4, 2), noise(2 * 12, 3)];
    const wide = (narrow: ArrayLike<number>) => Array.from(a, (_, i) => narrow[Math.floor(i / 12) * 4 + (i % 4)]);
    const byA = differences((at) => reference.addScaled(at, wide(b), 0.7), a, dy);
    expectClose(backward.addScaledBackward(dy, 0.7, 12), byA, DIFFERENCE_TOLERANCE);
    const byB = differences((at) => reference.addScaled(a, wide(at), 0.7), b, dy);
    expectClose(backward.addScaledBackward(dy, 0.7, 12, 4), byB, DIFFERENCE_TOLERANCE);
  });

  for (const [nRows, n, xN] of [
    [1, 1, 1],
    [3, 67, 67],
    [2, 3 * 67, 67],
    [2, 1536, 1536],
  ] as const) {
    it(
      `equals the reference from [${nRows}, ${n}] to [${nRows}, ${xN}], set and added`,
      withDevice(async (device) => {
        const dy = noise(nRows * n);
        const run = (dx: number | Float32Array, ACCUMULATE: number) =>
          runKernel(device, addScaledBackward, {
            input: {dy, scale: Float32Array.of(0.89)},
            output: {dx},
            constants: {N: n, X_N: xN === n ? 0 : xN, ACCUMULATE},
            shape: {nRows},
          });
        const expected = backward.addScaledBackward(dy, 0.89, n, xN);
        expectClose(await run(nRows * xN, 0), expected, 1e-6);
        const before = noise(nRows * xN, 2);
        const added = expected.map((value, i) => value + before[i]);
        expectClose(await run(before, 1), added, 1e-6);
      }),
    );
  }
});

describe('softcap_backward', () => {
  const hostile = [0, 1e-6, -1e-6, 0.01, 7.4, -7.6, 29, -31, 90, 299, -1e4, 1e30];

  it('has a reference that equals finite differences', () => {
    const x = noise(20).map((value) => 30 * value);
    const dy = noise(20, 2);
    const found = differences((at) => reference.softcap(at, 30), x, dy);
    expectClose(backward.softcapBackward(reference.softcap(x, 30), dy, 30), found, DIFFERENCE_TOLERANCE);
  });

  it(
    'equals the reference, and is 0 where the cap is reached',
    withDevice(async (device) => {
      const x = Float32Array.from([...hostile, ...noise(249).map((value) => 20 * value)]);
      const y = Float32Array.from(reference.softcap(x, 30));
      const dy = noise(x.length, 2);
      const dx = await runKernel(device, softcapBackward, {
        input: {y, dy},
        output: {dx: x.length},
        constants: {N: x.length, CAP: 30},
        shape: {nRows: 1},
      });
      expectClose(dx, backward.softcapBackward(y, dy, 30), 1e-6);
      // A GPU's quotient of equal numbers may be off by a unit.
      expectClose(dx.subarray(9, 12), [0, 0, 0], 1e-6);
    }),
  );
});

describe('rope_backward', () => {
  const partial = Array.from({length: 256}, (_, i) => (i < 64 ? 1 : 1e30)); // Gemma 4's full layers
  const positions = [0, 1, 255, 256, 300, 65535, 131071];

  it('has a reference that equals finite differences', () => {
    const shape = {nHead: 2, headDim: 6, base: 1e4};
    const [x, dy] = [noise(3 * 12), noise(3 * 12, 2)];
    const found = differences((at) => reference.rope(at, [0, 1, 300], shape), x, dy);
    expectClose(backward.ropeBackward(dy, [0, 1, 300], shape), found, DIFFERENCE_TOLERANCE);
  });

  for (const {name, nHead, headDim, base, factors} of [
    {name: 'a sliding layer', nHead: 3, headDim: 256, base: 1e4, factors: undefined},
    {name: 'a full layer of Gemma 4', nHead: 1, headDim: 512, base: 1e6, factors: partial},
    {name: 'linear scaling by 8', nHead: 2, headDim: 20, base: 1e6, factors: new Float32Array(10).fill(8)},
  ]) {
    it(
      `equals the reference on ${name}`,
      withDevice(async (device) => {
        const dy = noise(positions.length * nHead * headDim);
        const dx = await runKernel(device, ropeBackward, {
          input: {
            rows: rowData(positions.map((position) => ({position}))),
            frequencies: ropeTable(headDim, base, 131072, factors),
            dy,
          },
          output: {dx: dy.length},
          constants: {N_HEAD: nHead, HEAD_DIM: headDim},
          shape: {nRows: positions.length},
        });
        expectClose(dx, backward.ropeBackward(dy, positions, {nHead, headDim, base, factors}), 2e-6);
      }),
    );
  }
});

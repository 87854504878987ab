// The kernels of one value an invocation: add_scaled, geglu, geglu_in_place, softcap, copy_rows.
import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {addScaled, copyRows, geglu, gegluInPlace, softcap} from '../../src/engine/kernels/kernels.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

describe('add_scaled', () => {
  for (const [nRows, n, scale] of [
    [1, 1, 1],
    [3, 67, 0.0045],
    [5, 1536, 0.89],
  ] as const) {
    it(
      `equals the reference at [${nRows}, ${n}] with scale ${scale}`,
      withDevice(async (device) => {
        const [a, b] = [noise(nRows * n), noise(nRows * n, 2)];
        const y = await runKernel(device, addScaled, {
          input: {a, b, scale: new Float32Array([scale])},
          output: {y: a.length},
          constants: {N: n},
          shape: {nRows},
        });
        expectClose(y, reference.addScaled(a, b, scale), 1e-6);
      }),
    );
  }
});

describe('add_scaled of a narrower b', () => {
  it(
    'adds it to each of the vectors that a row holds',
    withDevice(async (device) => {
      const [nRows, n, bN] = [3, 3 * 67, 67];
      const [a, b] = [noise(nRows * n), noise(nRows * bN, 2)];
      const y = await runKernel(device, addScaled, {
        input: {a, b, scale: new Float32Array([1])},
        output: {y: a.length},
        constants: {N: n, B_N: bN},
        shape: {nRows},
      });
      const wide = a.map((_, i) => b[Math.floor(i / n) * bN + (i % bN)]);
      expectClose(y, reference.addScaled(a, wide, 1), 1e-6);
    }),
  );
});

describe('geglu', () => {
  it(
    'equals the reference for ordinary gates',
    withDevice(async (device) => {
      const [gate, up] = [noise(5 * 69).map((x) => 3 * x), noise(5 * 69, 2)];
      const y = await runKernel(device, geglu, {
        input: {gate, up, up_offset: Float32Array.of(0)},
        output: {y: gate.length},
        constants: {N: 69, UP_STRIDE: 69},
        shape: {nRows: 5},
      });
      expectClose(y, reference.geglu(gate, up, 69), 1e-6);
    }),
  );

  it(
    'takes its slice of a wider `up`, as the per-layer embeddings lie',
    withDevice(async (device) => {
      const [n, stride, offset] = [32, 96, 64];
      const [gate, up] = [noise(4 * n), noise(4 * stride, 2)];
      const y = await runKernel(device, geglu, {
        input: {gate, up, up_offset: Float32Array.of(offset)},
        output: {y: gate.length},
        constants: {N: n, UP_STRIDE: stride},
        shape: {nRows: 4},
      });
      expectClose(y, reference.geglu(gate, up, n, stride, offset), 1e-6);
    }),
  );

  it(
    'has the same bits in place, and leaves what is past its rows',
    withDevice(async (device) => {
      const [n, stride, offset] = [96, 160, 64];
      const [gate, up] = [noise(5 * n).map((x) => 3 * x), noise(5 * stride, 2)];
      const common = {constants: {N: n, UP_STRIDE: stride}, shape: {nRows: 4}};
      const input = {up, up_offset: Float32Array.of(offset)};
      const apart = await runKernel(device, geglu, {input: {...input, gate}, output: {y: gate.length}, ...common});
      const y = await runKernel(device, gegluInPlace, {input, output: {y: Float32Array.from(gate)}, ...common});
      expectSame(y.subarray(0, 4 * n), apart.subarray(0, 4 * n));
      expectSame(y.subarray(4 * n), gate.subarray(4 * n));
      expectClose(y.subarray(0, 4 * n), reference.geglu(gate.subarray(0, 4 * n), up, n, stride, offset), 1e-6);
    }),
  );

  it(
    'is exact where tanh has ended and close where the clamp begins',
    withDevice(async (device) => {
      // ±40 and ±1000 overflow exp; 4.4 … 5.4 is where the argument reaches 10; 1e4³ is near the end of f32's reach.
      const gate = new Float32Array([
        0, 1e-20, -1e-20, 0.3, -0.3, 4.4, -4.4, 5, -5, 5.4, -5.4, 40, -40, 1000, -1000, 1e4, -1e4,
      ]);
      const up = new Float32Array(gate.length).fill(1);
      const y = await runKernel(device, geglu, {
        input: {gate, up, up_offset: Float32Array.of(0)},
        output: {y: gate.length},
        constants: {N: gate.length, UP_STRIDE: gate.length},
        shape: {nRows: 1},
      });
      const expected = reference.geglu(gate, up, gate.length);
      for (let i = 0; i < gate.length; i++) {
        // 1 + tanh is off by one f32 rounding of 1, times |gate|/2.
        expect(y[i], `gelu(${gate[i]})`).to.be.closeTo(expected[i], 2e-7 * Math.max(1e-3, Math.abs(gate[i])));
      }
      expectSame(y.subarray(11), [40, 0, 1000, 0, 1e4, 0]);
    }),
  );
});

describe('softcap', () => {
  it(
    'equals the reference, tiny and huge logits included',
    withDevice(async (device) => {
      // Values around ±7.5 are where the series hands over to exp; ±1e4 is far beyond the clamp.
      const x = new Float32Array([
        0,
        1e-6,
        -1e-6,
        0.01,
        7.4,
        7.6,
        -7.4,
        -7.6,
        29,
        -31,
        299,
        301,
        1e4,
        -1e4,
        ...noise(251),
      ]);
      const y = await runKernel(device, softcap, {
        input: {},
        output: {y: x},
        constants: {N: x.length, CAP: 30},
        shape: {nRows: 1},
      });
      const expected = reference.softcap(x, 30);
      for (let i = 0; i < x.length; i++) {
        expect(y[i], `softcap(${x[i]})`).to.be.closeTo(expected[i], 1e-6 * Math.abs(expected[i])); // relative: f32
      }
      expectSame(y.subarray(12, 14), [30, -30]);
    }),
  );

  it(
    'covers 2^22 values: more workgroups than one dimension has',
    withDevice(async (device) => {
      const x = new Float32Array(65536 * 64 + 5).fill(1);
      x.set([2, 3, 4], x.length - 3);
      const y = await runKernel(device, softcap, {
        input: {},
        output: {y: x},
        constants: {N: x.length, CAP: 30},
        shape: {nRows: 1},
      });
      expectClose(y.subarray(x.length - 4), reference.softcap([1, 2, 3, 4], 30), 1e-6);
      expect(y.indexOf(1)).to.equal(-1); // none was left as it was
    }),
  );
});

describe('copy_rows', () => {
  it(
    'gathers rows in any order, twice too, and no more than the step has',
    withDevice(async (device) => {
      const n = 67;
      const x = noise(5 * n);
      const output = [4, 0, 4];
      const y = await runKernel(device, copyRows, {
        input: {step: stepData(5, output.length), output_rows: new Uint32Array([...output, 1]), x},
        output: {y: new Float32Array(4 * n).fill(7)},
        constants: {N: n},
        shape: {nRows: 4},
      });
      expectSame(y.subarray(0, 3 * n), reference.copyRows(x, output, n));
      expectSame(y.subarray(3 * n), new Float32Array(n).fill(7));
    }),
  );
});

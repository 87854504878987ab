// The kernels that run several operations of a forward pass at once, each against the references of those operations.
import {noise} from '../../scripts/lib/noise.ts';
import {
  mulMatFor,
  mulMatGegluFor,
  mulMatGeluFor,
  mulMatPartsFor,
  normAddFor,
  normAddNormFor,
  qkvPrepare,
  qPrepare,
  ropeTable,
  WEIGHT_TYPES,
} from '../../src/engine/kernels/kernels.ts';
import type {Joining} from '../../src/engine/kernels/weight-kernels.ts';
import {ggmlType} from '../../src/gguf/ggml-types.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {inBrowser, rowData, runKernel, runKernelOutputs, stepData, withDevice} from '../helpers/gpu.ts';
import {testWeight} from '../helpers/gpu-weights.ts';
import * as reference from '../reference/kernels.ts';

const DECODE = 2; // as in shaders/lib/row_range.wgsl

/** A step of as many rows that continue answers. */
const decodeStep = (nRows: number): Uint32Array => Uint32Array.of(nRows, nRows, nRows, 0);

/** Teams on both sides of a subgroup's size, and of the tree of sums without subgroups. */
const JOININGS: readonly [Joining, {TEAM: number; WORKGROUP_SIZE: number}[]][] = [
  ['shared', [{TEAM: 16, WORKGROUP_SIZE: 64}]],
  [
    'subgroups',
    [
      {TEAM: 32, WORKGROUP_SIZE: 64},
      {TEAM: 256, WORKGROUP_SIZE: 256},
    ],
  ],
];

const geluOf = (gate: ArrayLike<number>, up: ArrayLike<number>): Float64Array => reference.geglu(gate, up, gate.length);

for (const [joining, teams] of JOININGS) {
  const features: GPUFeatureName[] = joining === 'subgroups' ? ['subgroups'] : [];

  describe(`products of few rows, sums joined by ${joining}`, () => {
    // How sums are joined is the business of all types alike: one of each way of scaling.
    for (const type of joining === 'shared' && !inBrowser
      ? WEIGHT_TYPES
      : (['F16', 'Q4_0', 'Q5_1', 'Q4_K', 'Q6_K'] as const)) {
      const {blockSize} = ggmlType(type);
      // An odd number of blocks; of plain floats a row that ends within a tile of 8.
      const nIn = blockSize === 1 ? 100 : blockSize === 32 ? 416 : 768;
      it(
        `of ${type} equal the references, and a row has the same bits alone and among others`,
        withDevice(
          async (device) => {
            const [nOut, nRows] = [20, 5];
            const [a, b, c] = [1, 2, 3].map((seed) => testWeight(type, nOut, nIn, seed));
            const x = noise(nRows * nIn, 4);
            const [ax, bx, cx] = [a, b, c].map(({values}) => reference.mulMat(values, x, nIn));
            const stride = {ROW_STRIDE_WORDS: a.rowStrideWords, N_IN: nIn, ROWS: DECODE};
            for (const team of type === 'Q4_0' ? teams : teams.slice(0, 1)) {
              const alone = async (rows: number) => {
                const step = decodeStep(rows);
                const data = x.subarray(0, rows * nIn);
                const single = await runKernel(device, mulMatFor(type, nIn, joining), {
                  input: {step, x: data, weight: a.bytes},
                  output: {y: rows * nOut},
                  constants: {...team, ...stride, N_OUT: nOut, N_SLICE_ROWS: nOut},
                  shape: {nRows: rows},
                });
                const parts = await runKernel(device, mulMatPartsFor(type, joining), {
                  input: {step, x: data, a: a.bytes, b: b.bytes, c: c.bytes},
                  output: {y: rows * 3 * nOut},
                  constants: {...team, ...stride, N_OUT: 3 * nOut, QUADS_A: 5, QUADS_B: 5, QUADS_C: 5},
                  shape: {nRows: rows},
                });
                const gated = await runKernel(device, mulMatGegluFor(type, joining), {
                  input: {step, x: data, gate: a.bytes, up: b.bytes},
                  output: {y: rows * nOut},
                  constants: {...team, ...stride, N_OUT: nOut},
                  shape: {nRows: rows},
                });
                const up = Float32Array.from(cx.subarray(0, rows * nOut));
                const gelu = await runKernel(device, mulMatGeluFor(type, joining), {
                  input: {step, x: data, weight: a.bytes, up, up_offset: Float32Array.of(0)},
                  output: {y: rows * nOut},
                  constants: {...team, ...stride, N_OUT: nOut, UP_STRIDE: nOut},
                  shape: {nRows: rows},
                });
                return {single, parts, gated, gelu};
              };
              const all = await alone(nRows);
              expectClose(all.single, ax, 3e-6); // f32 sums of up to 768 products
              const joined = Array.from({length: nRows}, (_, r) =>
                [ax, bx, cx].flatMap((y) => [...y.subarray(r * nOut, (r + 1) * nOut)]),
              ).flat();
              expectClose(all.parts, joined, 3e-6);
              expectClose(all.gated, geluOf(ax, bx), 1e-5); // two sums and a tanh
              expectClose(all.gelu, geluOf(ax, cx), 1e-5);
              const first = await alone(1);
              for (const name of ['single', 'parts', 'gated', 'gelu'] as const) {
                expectSame(all[name].subarray(0, first[name].length), first[name]);
              }
            }
          },
          {features},
        ),
      );
    }
  });

  describe(`norms with a residual, sums joined by ${joining}`, () => {
    for (const n of [4, 192, 1536]) {
      it(
        `equal the references for rows of ${n}`,
        withDevice(
          async (device) => {
            const nRows = 3;
            const [y, h] = [noise(nRows * n, 1), noise(nRows * n, 2)];
            const [weight, next] = [noise(n, 3), noise(n, 4)];
            const scale = Float32Array.of(0.7);
            const branch = reference.rmsNorm(y, weight, n, 1e-6);
            const sum = Float64Array.from(branch, (value, i) => (value + h[i]) * scale[0]);
            const input = {y, weight, h, scale};
            const run = {constants: {N: n, EPS: 1e-6}, shape: {nRows}};
            const added = await runKernel(device, normAddFor(joining), {input, output: {sum: nRows * n}, ...run});
            expectClose(added, sum, 2e-6); // f32 sums of squares against f64
            const both = await runKernelOutputs(device, normAddNormFor(joining), {
              input: {...input, step: stepData(nRows), next_weight: next},
              output: {sum: nRows * n, normed: nRows * n},
              ...run,
            });
            expectSame(both.get('sum')!, added);
            expectClose(both.get('normed')!, reference.rmsNorm(sum, next, n, 1e-6), 1e-5);
          },
          {features},
        ),
      );
    }
  });
}

describe('qkv_prepare and q_prepare', () => {
  const [nHead, nHeadKv, headDim, pageSize] = [4, 2, 96, 32];
  const base = 10_000;
  const rows = [
    {position: 3, pageTable: 0},
    {position: 70, pageTable: 4},
  ];
  const pageTables = Uint32Array.of(2, 0, 0, 0, 1, 0, 3, 0);
  const positions = rows.map(({position}) => position);
  const frequencies = ropeTable(headDim, base, 128);
  const slots = 4 * pageSize;
  const width = nHeadKv * headDim;

  for (const {headNorms, normValues, valuesFromKeys} of [
    {headNorms: true, normValues: false, valuesFromKeys: false}, // Gemma 3
    {headNorms: false, normValues: false, valuesFromKeys: false}, // Gemma 1 and 2
    {headNorms: true, normValues: true, valuesFromKeys: false}, // Gemma 4
    {headNorms: true, normValues: true, valuesFromKeys: true}, // its large models' full-attention layers
  ]) {
    it(
      `equal the references${headNorms ? ', with head norms' : ''}${normValues ? ', normed values' : ''}${valuesFromKeys ? ' from keys' : ''}`,
      withDevice(async (device) => {
        const heads = nHead + (valuesFromKeys ? 1 : 2) * nHeadKv;
        const stride = heads * headDim;
        const qkv = noise(rows.length * stride, 5);
        const [qWeight, kWeight] = [noise(headDim, 6), noise(headDim, 7)];
        const part = (first: number, count: number) =>
          Float64Array.from({length: rows.length * count * headDim}, (_, i) => {
            const r = Math.floor(i / (count * headDim));
            return qkv[r * stride + first * headDim + (i % (count * headDim))];
          });
        const normed = (x: Float64Array, weight: Float32Array | null) =>
          reference.rmsNorm(x, weight ?? undefined, headDim, 1e-6);
        const [q, k] = [part(0, nHead), part(nHead, nHeadKv)];
        const v = valuesFromKeys ? k : part(nHead + nHeadKv, nHeadKv);
        const rotate = (x: ArrayLike<number>, count: number) =>
          reference.rope(x, positions, {nHead: count, headDim, base});
        const expectedQ = rotate(headNorms ? normed(q, qWeight) : q, nHead);
        const before = new Float32Array(slots * width).fill(77);
        const caches = [rotate(headNorms ? normed(k, kWeight) : k, nHeadKv), normValues ? normed(v, null) : v].map(
          (src) => {
            const cache = Float64Array.from(before);
            reference.kvWrite(cache, src, rows, pageTables, width, pageSize);
            return cache;
          },
        );
        const outputs = await runKernelOutputs(device, qkvPrepare, {
          input: {
            step: stepData(rows.length),
            rows: rowData(rows),
            page_tables: pageTables,
            q_weight: qWeight,
            k_weight: kWeight,
            frequencies,
          },
          output: {qkv, keys: before, values: before},
          constants: {
            N_HEAD: nHead,
            N_HEAD_KV: nHeadKv,
            HEAD_DIM: headDim,
            STRIDE: stride,
            EPS: 1e-6,
            HEAD_NORMS: headNorms ? 1 : 0,
            NORM_VALUES: normValues ? 1 : 0,
            VALUES_FROM_KEYS: valuesFromKeys ? 1 : 0,
            PAGE_SIZE: pageSize,
          },
          shape: {nRows: rows.length},
        });
        const found = outputs.get('qkv')!;
        for (const r of rows.keys()) {
          const size = nHead * headDim;
          expectClose(
            found.subarray(r * stride, r * stride + size),
            expectedQ.subarray(r * size, (r + 1) * size),
            5e-6,
          );
          // Keys and values stay as projected.
          expectSame(
            found.subarray(r * stride + size, (r + 1) * stride),
            qkv.subarray(r * stride + size, (r + 1) * stride),
          );
        }
        expectClose(outputs.get('keys')!, caches[0], 5e-6);
        expectClose(outputs.get('values')!, caches[1], 5e-6);

        if (!headNorms) return;
        const y = await runKernel(device, qPrepare, {
          input: {
            step: stepData(rows.length),
            rows: rowData(rows),
            weight: qWeight,
            frequencies,
            q: Float32Array.from(q),
          },
          output: {y: q.length},
          constants: {N_HEAD: nHead, HEAD_DIM: headDim, EPS: 1e-6},
          shape: {nRows: rows.length},
        });
        expectClose(y, expectedQ, 5e-6);
      }),
    );
  }
});

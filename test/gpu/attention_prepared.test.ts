// Attention that prepares its queries, keys and values itself, beside the kernels that do one thing after the other.
import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {
  attentionMerge,
  attentionSplitPrepared,
  attentionSplitSubgroup,
  headQuads,
  maxSplits,
  PREPARING_BUFFERS,
  splitBatch,
} from '../../src/engine/kernels/attention_split.ts';
import {qkvPrepare, qPrepare, ropeTable} from '../../src/engine/kernels/kernels.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {inBrowser, runKernelOutputs, stepData, withDevice} from '../helpers/gpu.ts';
import {type AttentionCase, attentionScene, type Row} from './attention-scene.ts';

const CONTEXT = 512;
const EPS = 1e-6;
const needs = {
  features: ['subgroups' as GPUFeatureName],
  limits: {maxStorageBuffersPerShaderStage: PREPARING_BUFFERS},
};

interface Case extends AttentionCase {
  headNorms?: boolean;
  normValues?: boolean;
  valuesFromKeys?: boolean;
}

const cases: Record<string, Case> = {
  'four heads of 256 that share, a first and a late row': {nHead: 4, nHeadKv: 1, headDim: 256, positions: [[0], [300]]},
  'grouped heads of 64 with a window': {nHead: 8, nHeadKv: 4, headDim: 64, window: 80, positions: [[31], [32], [200]]},
  'eight heads of 512 that share, normed values': {
    nHead: 8,
    nHeadKv: 1,
    headDim: 512,
    scale: 1,
    positions: [[130]],
    sharpness: 0.1,
    normValues: true,
  },
  'values that are the keys': {
    nHead: 6,
    nHeadKv: 2,
    headDim: 24,
    positions: [[40]],
    normValues: true,
    valuesFromKeys: true,
  },
  'no head norms, capped scores': {
    nHead: 2,
    nHeadKv: 2,
    headDim: 64,
    positions: [[70], [3]],
    softcap: 50,
    headNorms: false,
  },
};

function scene({headNorms = true, normValues = false, valuesFromKeys = false, ...each}: Case) {
  const made = attentionScene(each);
  const {nHead, nHeadKv, headDim, window, softcap, pageSize, scale} = made.shape;
  const stride = (nHead + (valuesFromKeys ? 1 : 2) * nHeadKv) * headDim;
  const layer = {nHead, nHeadKv, headDim, window};
  const split = {
    N_HEAD: nHead,
    N_HEAD_KV: nHeadKv,
    SCALE: scale,
    WINDOW: window,
    SOFTCAP: softcap,
    PAGE_SIZE: pageSize,
    QUADS: headDim / 4,
    HEAD_QUADS: headQuads(layer),
    MAX_SPLITS: maxSplits(layer, CONTEXT),
  };
  const preparing = {
    EPS,
    HEAD_NORMS: headNorms ? 1 : 0,
    NORM_VALUES: normValues ? 1 : 0,
    VALUES_FROM_KEYS: valuesFromKeys ? 1 : 0,
  };
  const weights = {
    q_weight: noise(headDim, 6),
    k_weight: noise(headDim, 7),
    frequencies: ropeTable(headDim, 10_000, CONTEXT),
  };
  const qkv = noise(made.rows.length * stride, 8).map((x) => x * (each.sharpness ?? 1));
  const page_tables = new Uint32Array(made.pages);
  const shapeOf = (rows: readonly Row[]) => ({
    nRows: rows.length,
    nKeys: Math.max(...rows.map(({position}) => position)) + 1,
  });
  const rowsOf = (rows: readonly Row[], of = qkv) =>
    Float32Array.from(rows.flatMap((row) => [...of.subarray(made.rows.indexOf(row) * stride).subarray(0, stride)]));

  async function merged(device: GPUDevice, rows: readonly Row[], parts: ReadonlyMap<string, Float32Array>) {
    const {N_HEAD, WINDOW, MAX_SPLITS} = split;
    const outputs = await runKernelOutputs(device, attentionMerge, {
      input: {...made.stepInput(rows), partial: parts.get('partial')!},
      output: {y: parts.get('y')!},
      constants: {N_HEAD, WINDOW, MAX_SPLITS, HEAD_DIM: headDim},
      shape: shapeOf(rows),
    });
    return outputs.get('y')!;
  }
  const room = (rows: readonly Row[]) => ({
    partial: splitBatch(layer, CONTEXT, 8).bytes / 4,
    y: rows.length * nHead * headDim,
  });

  /** All in one. */
  async function prepared(device: GPUDevice, rows: readonly Row[] = made.rows) {
    const parts = await runKernelOutputs(device, attentionSplitPrepared, {
      input: {...made.stepInput(rows), page_tables, q: rowsOf(rows), ...weights},
      output: {...room(rows), k: made.k, v: made.v},
      constants: {...split, ...preparing, OWN_KEYS: 1, Q_STRIDE: stride},
      shape: shapeOf(rows),
    });
    return {y: await merged(device, rows, parts), k: parts.get('k')!, v: parts.get('v')!};
  }

  /** One after the other. */
  async function apart(device: GPUDevice, rows: readonly Row[] = made.rows) {
    const first = await runKernelOutputs(device, qkvPrepare, {
      input: {...made.stepInput(rows), page_tables, ...weights},
      output: {qkv: rowsOf(rows), keys: made.k, values: made.v},
      constants: {
        ...preparing,
        N_HEAD: nHead,
        N_HEAD_KV: nHeadKv,
        HEAD_DIM: headDim,
        STRIDE: stride,
        PAGE_SIZE: pageSize,
      },
      shape: {nRows: rows.length},
    });
    const [k, v] = [first.get('keys')!, first.get('values')!];
    const parts = await runKernelOutputs(device, attentionSplitSubgroup, {
      input: {...made.stepInput(rows), page_tables, q: first.get('qkv')!, k, v},
      output: room(rows),
      constants: {...split, Q_STRIDE: stride},
      shape: shapeOf(rows),
    });
    return {y: await merged(device, rows, parts), k, v};
  }
  return {...made, split, weights, layer, prepared, apart, room, merged, shapeOf, page_tables};
}

describe('attention_split, prepared', () => {
  for (const [name, each] of Object.entries(cases)) {
    if (inBrowser && each.headDim !== 64) continue; // another adapter, but no other arithmetic
    it(
      `equals its parts with ${name}`,
      withDevice(async (device) => {
        const {prepared, apart, k} = scene(each);
        const [found, expected] = [await prepared(device), await apart(device)];
        expectClose(found.k, expected.k, 5e-6);
        expectClose(found.v, expected.v, 5e-6);
        expectClose(found.y, expected.y, 1e-5);
        expect(found.k).to.not.deep.equal(k);
      }, needs),
    );
  }

  it(
    'gives a row the same bits alone and among others',
    withDevice(async (device) => {
      const {prepared, rows, shape} = scene(cases['grouped heads of 64 with a window']);
      const width = shape.nHead * shape.headDim;
      const together = (await prepared(device)).y;
      for (const [r, row] of rows.entries()) {
        expectSame((await prepared(device, [row])).y, together.subarray(r * width, (r + 1) * width));
      }
    }, needs),
  );

  it(
    'leaves another layer’s keys and values as they are',
    withDevice(async (device) => {
      const {rows, q, k, v, split, weights, room, merged, shapeOf, stepInput, page_tables, shape} = scene(
        cases['grouped heads of 64 with a window'],
      );
      const {q_weight: weight, frequencies} = weights;
      const {nHead, headDim} = shape;
      const input = {...stepInput(rows), page_tables};
      const outputs = await runKernelOutputs(device, attentionSplitPrepared, {
        input: {...input, ...weights, q},
        output: {...room(rows), k, v},
        constants: {...split, EPS, OWN_KEYS: 0},
        shape: shapeOf(rows),
      });
      const turned = await runKernelOutputs(device, qPrepare, {
        input: {step: stepData(rows.length), rows: input.rows, weight, frequencies, q},
        output: {y: q.length},
        constants: {N_HEAD: nHead, HEAD_DIM: headDim, EPS},
        shape: {nRows: rows.length},
      });
      const expected = await runKernelOutputs(device, attentionSplitSubgroup, {
        input: {...input, q: turned.get('y')!, k, v},
        output: room(rows),
        constants: split,
        shape: shapeOf(rows),
      });
      expectClose(await merged(device, rows, outputs), await merged(device, rows, expected), 1e-5);
      expectSame(outputs.get('k')!, k);
      expectSame(outputs.get('v')!, v);
    }, needs),
  );
});

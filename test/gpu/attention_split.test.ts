import {expect} from 'chai';
import {
  attentionMerge,
  attentionSplit,
  attentionSplitSubgroup,
  headQuads,
  maxSplits,
  splitBatch,
} from '../../src/engine/kernels/attention_split.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {inBrowser, runKernelOutputs, withDevice} from '../helpers/gpu.ts';
import {type AttentionCase, attentionScene, type Row} from './attention-scene.ts';

const FORMS = {
  'workgroup memory': {kernel: attentionSplit, features: []},
  subgroups: {kernel: attentionSplitSubgroup, features: ['subgroups' as GPUFeatureName]},
};

const W = 80;
const CONTEXT = 8192;
const cases: Record<string, AttentionCase> = {
  'the first position of all': {nHead: 1, nHeadKv: 1, headDim: 64, positions: [[0]]},
  'a tile’s edges, four heads a KV head': {nHead: 4, nHeadKv: 1, headDim: 64, positions: [[30, 31, 32, 33, 63, 64]]},
  'a window’s edges': {nHead: 2, nHeadKv: 2, headDim: 64, window: W, positions: [[W - 2, W - 1, W, W + 1, 299]]},
  'grouped heads of 64, five sequences': {
    nHead: 8,
    nHeadKv: 4,
    headDim: 64,
    positions: [[70], [0], [131], [64], [200]],
  },
  'eight heads of 512 that share': {nHead: 8, nHeadKv: 1, headDim: 512, scale: 1, positions: [[130]], sharpness: 0.1},
  'heads of 20, three a KV head': {nHead: 6, nHeadKv: 2, headDim: 20, pageSize: 1, positions: [[140]]},
  'more than eight heads a KV head': {nHead: 12, nHeadKv: 1, headDim: 64, positions: [[90]]},
  // 16 splits at most with 8 KV heads: splits of three tiles.
  'splits of several tiles': {nHead: 8, nHeadKv: 8, headDim: 64, positions: [[1500]]},
  'capped scores': {nHead: 4, nHeadKv: 2, headDim: 64, scale: 1, softcap: 50, positions: [[90, 200]], sharpness: 3},
  // Scores of ±1000 and more: all weight on one key, exponents far below the clamp.
  'a sharp softmax': {nHead: 2, nHeadKv: 1, headDim: 64, scale: 1, positions: [[200, 201]], sharpness: 50},
};

function scene(each: AttentionCase) {
  const made = attentionScene(each);
  const {shape, k, v, pages} = made;
  const {nHead, nHeadKv, headDim, window, softcap, pageSize, scale} = shape;
  const split = {
    N_HEAD: nHead,
    N_HEAD_KV: nHeadKv,
    SCALE: scale,
    WINDOW: window,
    SOFTCAP: softcap,
    PAGE_SIZE: pageSize,
  };
  const layer = {nHead, nHeadKv, headDim, window};
  const MAX_SPLITS = maxSplits(layer, CONTEXT);
  const sizes = {QUADS: headDim / 4, HEAD_QUADS: headQuads(layer), MAX_SPLITS};
  const run = async (
    device: GPUDevice,
    form: keyof typeof FORMS,
    subset: readonly Row[] = made.rows,
    queries = made.q,
    nKeys = Math.max(...subset.map(({position}) => position)) + 1,
  ) => {
    const step = made.stepInput(subset);
    const shapeOfStep = {nRows: subset.length, nKeys};
    const parts = await runKernelOutputs(device, FORMS[form].kernel, {
      input: {...step, page_tables: new Uint32Array(pages), q: queries, k, v},
      output: {partial: splitBatch(layer, CONTEXT, 8).bytes / 4, y: queries.length},
      constants: {...split, ...sizes},
      shape: shapeOfStep,
    });
    const merge = {
      input: {...step, partial: parts.get('partial')!},
      output: {y: parts.get('y')!},
      constants: {N_HEAD: nHead, WINDOW: window, HEAD_DIM: headDim, MAX_SPLITS},
      shape: shapeOfStep,
    };
    return (await runKernelOutputs(device, attentionMerge, merge)).get('y')!;
  };
  return {...made, run};
}

for (const form of Object.keys(FORMS) as (keyof typeof FORMS)[]) {
  const {features} = FORMS[form];
  describe(`attention_split and attention_merge, ${form}`, () => {
    for (const [name, each] of Object.entries(cases)) {
      if (inBrowser && each.headDim !== 64) continue; // another adapter, but no other arithmetic
      it(
        `equal the reference with ${name}`,
        withDevice(
          async (device) => {
            const {run, expected} = scene(each);
            // f32 scores and online softmax. Scores of order 1000 carry an f32 error of 1e-4, and e^x makes it relative.
            expectClose(await run(device, form), expected(), each.sharpness === 50 ? 1e-3 : 1e-5);
          },
          {features},
        ),
      );
    }

    it(
      'give a row the same bits alone and among others, however large the grid',
      withDevice(
        async (device) => {
          const {rows, q, run, shape} = scene(cases['grouped heads of 64, five sequences']);
          const width = shape.nHead * shape.headDim;
          const together = await run(device, form);
          for (let r = 0; r < rows.length; r++) {
            const own = q.slice(r * width, (r + 1) * width);
            const expected = together.subarray(r * width, (r + 1) * width);
            expectSame(await run(device, form, [rows[r]], own), expected);
            expectSame(await run(device, form, [rows[r]], own, 3000), expected);
          }
        },
        {features},
      ),
    );

    it(
      'do not look behind the window or ahead of the position',
      withDevice(
        async (device) => {
          const {run, k, v, pages} = scene({...cases['a window’s edges'], positions: [[200]]});
          const before = await run(device, form);
          const width = 2 * 64;
          let seen = 0;
          for (let slot = 0; slot < k.length / width; slot++) {
            const position = pages.indexOf(Math.floor(slot / 32)) * 32 + (slot % 32);
            if (position > 200 - W && position <= 200) seen++;
            else for (const cache of [k, v]) cache.fill(Number.NaN, slot * width, (slot + 1) * width);
          }
          expect(seen).to.equal(W);
          expectSame(await run(device, form), before);
        },
        {features},
      ),
    );
  });
}

describe('maxSplits and splitBatch', () => {
  const layer = {nHead: 8, nHeadKv: 1, headDim: 512, window: 0};
  it('keep a row’s workgroups near 128, and no more than its tiles', () => {
    const splits = (nHeadKv: number) => maxSplits({...layer, nHeadKv}, 2 ** 17);
    expect([1, 2, 3, 4, 8, 16].map(splits)).to.deep.equal([128, 64, 32, 32, 16, 16]);
    expect(maxSplits(layer, 200)).to.equal(7);
    expect(maxSplits({...layer, window: 512}, 2 ** 17)).to.equal(17);
  });

  it('take fewer rows at once where they are large', () => {
    expect(splitBatch(layer, 8192, 16)).to.deep.equal({rows: 8, bytes: 4 * 8 * 8 * 128 * 516});
    expect(splitBatch(layer, 8192, 3).rows).to.equal(3);
    expect(splitBatch({...layer, nHead: 32, nHeadKv: 4}, 8192, 16).rows).to.equal(8);
    expect(splitBatch({...layer, nHead: 32}, 8192, 16).rows).to.equal(2);
  });
});

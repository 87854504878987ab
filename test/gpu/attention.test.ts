import {expect} from 'chai';
import {attention} from '../../src/engine/kernels/kernels.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {runKernel, withDevice} from '../helpers/gpu.ts';
import {type AttentionCase, attentionScene, type Row} from './attention-scene.ts';

function scene(each: AttentionCase) {
  const made = attentionScene(each);
  const {rows, q, k, v, pages, shape} = made;
  const {nHead, nHeadKv, headDim, window, softcap, pageSize, scale} = shape;
  const run = (device: GPUDevice, subset: readonly Row[] = rows, queries = q) =>
    runKernel(device, attention, {
      input: {...made.stepInput(subset), page_tables: new Uint32Array(pages), q: queries, k, v},
      output: {y: queries.length},
      constants: {
        N_HEAD: nHead,
        N_HEAD_KV: nHeadKv,
        HEAD_DIM: headDim,
        SCALE: scale,
        WINDOW: window,
        SOFTCAP: softcap,
        PAGE_SIZE: pageSize,
      },
      shape: {nRows: subset.length},
    });
  return {...made, run};
}

const W = 16;
const cases: Record<string, AttentionCase> = {
  'the first position of all': {nHead: 1, nHeadKv: 1, headDim: 64, positions: [[0]]},
  'one KV head, a tile’s edges': {nHead: 4, nHeadKv: 1, headDim: 64, positions: [[62, 63, 64, 65, 127, 128]]},
  'a window’s edges': {nHead: 2, nHeadKv: 2, headDim: 64, window: W, positions: [[W - 2, W - 1, W, W + 1, 99]]},
  'a window of more than one tile': {
    nHead: 2,
    nHeadKv: 1,
    headDim: 256,
    window: 100,
    positions: [[98, 99, 100, 163, 164, 300]],
  },
  'grouped heads of 256': {nHead: 8, nHeadKv: 4, headDim: 256, positions: [[70]]},
  'heads of 512': {nHead: 4, nHeadKv: 1, headDim: 512, scale: 1, positions: [[90, 91]], sharpness: 0.1},
  'heads of 4 and of 20': {nHead: 6, nHeadKv: 3, headDim: 20, pageSize: 1, positions: [[40]]},
  'two sequences in one step': {nHead: 2, nHeadKv: 1, headDim: 64, pageSize: 8, positions: [[3, 4, 5], [80], [17, 18]]},
  'a context of many pages': {nHead: 1, nHeadKv: 1, headDim: 64, positions: [[2500]]},
  'a text in both directions': {
    nHead: 2,
    nHeadKv: 1,
    headDim: 64,
    bothWays: true,
    positions: [
      [0, 1, 70],
      [0, 5],
    ],
  },
  'a window in both directions': {
    nHead: 2,
    nHeadKv: 1,
    headDim: 64,
    bothWays: true,
    window: W,
    positions: [[0, W - 1, W, 90, 99 - W, 100 - W, 99]],
  },
  // Scores from a hundredth of the cap to many times it, where tanh has ended: all these keys weigh the same.
  'capped scores': {nHead: 4, nHeadKv: 2, headDim: 64, scale: 1, softcap: 50, positions: [[90, 200]], sharpness: 3},
  // Scores of ±1000 and more: all weight on one key, exponents far below the clamp.
  'a sharp softmax': {nHead: 2, nHeadKv: 1, headDim: 64, scale: 1, positions: [[200, 201]], sharpness: 50},
};

describe('attention', () => {
  for (const [name, each] of Object.entries(cases)) {
    it(
      `equals the reference with ${name}`,
      withDevice(async (device) => {
        const {run, expected} = scene(each);
        // f32 scores and online softmax. Scores of order 1000 carry an f32 error of 1e-4, and e^x makes it relative.
        expectClose(await run(device), expected(), each.sharpness === 50 ? 1e-3 : 1e-5);
      }),
    );
  }

  it(
    'gives a row the same bits alone and among others',
    withDevice(async (device) => {
      const {rows, q, run} = scene(cases['two sequences in one step']);
      const width = 2 * 64;
      const together = await run(device);
      for (let r = 0; r < rows.length; r++) {
        const alone = await run(device, [rows[r]], q.slice(r * width, (r + 1) * width));
        expectSame(alone, together.subarray(r * width, (r + 1) * width));
      }
    }),
  );

  it(
    'does not look behind the window or ahead of the position',
    withDevice(async (device) => {
      const {run, k, v, pages} = scene({...cases['a window’s edges'], positions: [[40]]});
      const before = await run(device);
      const width = 2 * 64;
      for (let slot = 0; slot < k.length / width; slot++) {
        const position = pages.indexOf(Math.floor(slot / 32)) * 32 + (slot % 32);
        if (position > 40 - W && position <= 40) continue;
        k.fill(3e38, slot * width, (slot + 1) * width);
        v.fill(3e38, slot * width, (slot + 1) * width);
      }
      expectSame(await run(device), before);
      expect(k.filter((x) => x < 1e38).length).to.equal(W * width);
    }),
  );
});

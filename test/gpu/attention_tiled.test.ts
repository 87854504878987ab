import {attentionTiled} from '../../src/engine/kernels/attention_tiled.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {inBrowser, runKernel, withDevice} from '../helpers/gpu.ts';
import {type AttentionCase, attentionScene, type Row} from './attention-scene.ts';

/** Positions from … to − 1. */
const run = (from: number, to: number) => Array.from({length: to - from}, (_, i) => from + i);

const W = 80;
const cases: Record<string, AttentionCase> = {
  'one row at the start': {nHead: 1, nHeadKv: 1, headDim: 64, positions: [[0]]},
  'a prompt, four heads a KV head': {nHead: 4, nHeadKv: 1, headDim: 64, positions: [run(0, 70)]},
  'a later part of a prompt, with a window': {nHead: 2, nHeadKv: 2, headDim: 64, window: W, positions: [run(150, 190)]},
  'several sequences in a tile': {nHead: 4, nHeadKv: 2, headDim: 64, positions: [run(3, 6), [80], run(17, 40), [0, 1]]},
  'eight heads of 512 that share': {
    nHead: 8,
    nHeadKv: 1,
    headDim: 512,
    scale: 1,
    positions: [run(60, 70)],
    sharpness: 0.1,
  },
  'heads of 20, three a KV head': {nHead: 6, nHeadKv: 2, headDim: 20, pageSize: 1, positions: [run(60, 75)]},
  'twelve heads a KV head': {nHead: 12, nHeadKv: 1, headDim: 64, positions: [run(62, 67)]},
  'texts in both directions': {
    nHead: 3,
    nHeadKv: 1,
    headDim: 64,
    bothWays: true,
    positions: [run(0, 70), run(0, 5), run(0, 66)],
  },
  'a window in both directions': {
    nHead: 4,
    nHeadKv: 2,
    headDim: 64,
    bothWays: true,
    window: W,
    positions: [run(0, 200)],
  },
  'capped scores': {nHead: 4, nHeadKv: 2, headDim: 64, scale: 1, softcap: 50, positions: [run(90, 110)], sharpness: 3},
  'a sharp softmax': {nHead: 2, nHeadKv: 1, headDim: 64, scale: 1, positions: [run(190, 202)], sharpness: 50},
};

function scene(each: AttentionCase) {
  const made = attentionScene(each);
  const {rows, q, k, v, pages, shape} = made;
  const {nHead, nHeadKv, headDim, window, softcap, pageSize, scale} = shape;
  const attend = (device: GPUDevice, subset: readonly Row[] = rows, queries = q, GROUPS = 8) =>
    runKernel(device, attentionTiled, {
      input: {...made.stepInput(subset), page_tables: new Uint32Array(pages), q: queries, k, v},
      output: {y: queries.length},
      constants: {
        N_HEAD: nHead,
        N_HEAD_KV: nHeadKv,
        QUADS: headDim / 4,
        SCALE: scale,
        WINDOW: window,
        SOFTCAP: softcap,
        PAGE_SIZE: pageSize,
        GROUPS,
      },
      shape: {nRows: subset.length},
    });
  return {...made, attend};
}

describe('attention_tiled', () => {
  for (const [name, each] of Object.entries(cases)) {
    if (inBrowser && each.headDim !== 64) continue; // another adapter, but no other arithmetic
    it(
      `equals the reference with ${name}`,
      withDevice(async (device) => {
        const {attend, expected} = scene(each);
        // f32 scores and online softmax. Scores of order 1000 carry an f32 error of 1e-4, and e^x makes it relative.
        expectClose(await attend(device), expected(), each.sharpness === 50 ? 1e-3 : 1e-5);
      }),
    );
  }

  for (const name of ['a later part of a prompt, with a window', 'several sequences in a tile']) {
    it(
      `gives a row the same bits in any cut of ${name}`,
      withDevice(async (device) => {
        const {rows, q, attend, shape} = scene(cases[name]);
        const width = shape.nHead * shape.headDim;
        const together = await attend(device);
        for (let at = 0, size = 1; at < rows.length; at += size, size = (size * 3) % 7) {
          const end = Math.min(at + size, rows.length);
          const part = await attend(device, rows.slice(at, end), q.slice(at * width, end * width));
          expectSame(part, together.subarray(at * width, end * width));
        }
      }),
    );
  }

  for (const name of ['twelve heads a KV head', 'a window in both directions', 'several sequences in a tile']) {
    it(
      `has the same bits with fewer queries a workgroup, with ${name}`,
      withDevice(async (device) => {
        const {attend, rows, q} = scene(cases[name]);
        expectSame(await attend(device, rows, q, 4), await attend(device));
      }),
    );
  }

  it(
    'does not look behind the window or ahead of the position',
    withDevice(async (device) => {
      const {attend, k, v, pages} = scene({
        ...cases['a later part of a prompt, with a window'],
        positions: [run(190, 201)],
      });
      const before = await attend(device);
      const width = 2 * 64;
      for (let slot = 0; slot < k.length / width; slot++) {
        const position = pages.indexOf(Math.floor(slot / 32)) * 32 + (slot % 32);
        if (position > 190 - W && position <= 200) continue;
        for (const cache of [k, v]) cache.fill(Number.NaN, slot * width, (slot + 1) * width);
      }
      expectSame(await attend(device), before);
    }),
  );
});

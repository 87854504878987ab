// How many dispatches a token takes with every faster kernel on, for published sizes: on a GPU each costs microseconds
// that no kernel can save.
import {expect} from 'chai';
import {DENSE_SHAPES} from '../../../scripts/model-files/dense-shapes.ts';
import {GEMMA4_PUBLISHED} from '../../../scripts/model-files/gemma4-published.ts';
import type {Shape} from '../../../scripts/model-files/model.ts';
import {ALL_FUSIONS} from '../../../src/engine/graph/fused.ts';
import {FEW_PROMPT_ROWS, type StepShape} from '../../../src/engine/graph/lowering.ts';
import {NARROW_TILES} from '../../../src/engine/kernels/kernels.ts';
import {adaptedDispatchesOf, dispatchesOf, headerOf} from '../../helpers/dispatch-list.ts';

const gemma3 = {...DENSE_SHAPES.gemma3, vocabSize: 262_144, headDim: 256, nHead: 4, nHeadKv: 1, slidingWindow: 512};

/** `most`: where a dispatch may read ten buffers, as engineDefaults has it. `guaranteed`: everywhere. */
const SIZES: Record<string, {shape: Shape; most: number; guaranteed: number}> = {
  '270M': {shape: {...gemma3, layers: 18, nEmbd: 640, nFf: 2048}, most: 99, guaranteed: 150},
  '1B': {shape: {...gemma3, layers: 26, nEmbd: 1152, nFf: 6912}, most: 189, guaranteed: 214},
  '4B': {shape: {...gemma3, layers: 34, nEmbd: 2560, nFf: 10_240, nHead: 8, nHeadKv: 4}, most: 245, guaranteed: 278},
  E2B: {shape: GEMMA4_PUBLISHED.e2b, most: 396, guaranteed: 396},
  E4B: {shape: GEMMA4_PUBLISHED.e4b, most: 432, guaranteed: 473},
};

const FAST = {
  attention: true,
  products: true,
  partLength: 256,
  outputTail: true,
  fusions: ALL_FUSIONS,
  teams: true,
  subgroups: true,
  subgroupSize: 32,
};

const limits = {maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 31 - 4};

describe('dispatches of one token', () => {
  for (const [name, {shape, most, guaranteed}] of Object.entries(SIZES)) {
    it(`are at most ${most} in ${name}, ${guaranteed} on every device`, () => {
      const header = headerOf(shape, 'Q4_0');
      // The first token: attention is not split yet, and nothing is merged.
      const step: StepShape = {nRows: 1, nOutputs: 1, nDecode: 1, nKeys: 1};
      const count = (variants: typeof FAST) =>
        dispatchesOf(header, {variants}, limits).filter(({grid}) => grid(step).every((extent) => extent > 0)).length;
      const large = count({...FAST, fusions: {...ALL_FUSIONS, prepared: true, normed: 640}});
      expect(large).to.be.at.most(most);
      expect(count(FAST)).to.be.at.most(guaranteed);
      expect(large).to.be.below(dispatchesOf(header, {}, limits).length / 2);
    });
  }
});

describe('dispatches of one token with an adapter on all projections', () => {
  const count = (adapters: boolean): number => {
    const projections = /attn_(q|k|v|output)|ffn_(gate|up|down)/;
    const list = adaptedDispatchesOf(headerOf(GEMMA4_PUBLISHED.e2b, 'Q4_0'), projections, {variants: FAST}, limits);
    const step: StepShape = {nRows: 1, nOutputs: 1, nDecode: 1, nKeys: 1, adapters};
    return list.filter(({grid}) => grid(step).every((extent) => extent > 0)).length;
  };

  it('are five more in each of 35 layers of E2B, and one more where the row uses none', () => {
    expect(count(true)).to.equal(SIZES.E2B.guaranteed + 5 * 35);
    expect(count(false)).to.equal(SIZES.E2B.guaranteed + 35);
  });
});

describe('products of a prompt', () => {
  it('run once each, by smaller tiles where rows are few, and not for rows that continue answers', () => {
    const list = dispatchesOf(headerOf(GEMMA4_PUBLISHED.e2b, 'Q4_0'), {variants: FAST, chunkSize: 128});
    const tiled = (prompt: number, nDecode: number) => {
      const step: StepShape = {nRows: nDecode + prompt, nOutputs: 1, nDecode, nKeys: 100};
      const all = list.filter(({kernel}) => kernel.startsWith('mul_mat_tiled'));
      return all.filter(({grid}) => grid(step).every((extent) => extent > 0));
    };
    const rowTiles = (prompt: number, nDecode: number) =>
      Math.max(0, ...tiled(prompt, nDecode).map(({constants}) => constants.ROW_TILE));
    const labels = (prompt: number, nDecode: number) =>
      tiled(prompt, nDecode).map(({label, constants}) => `${label} ${constants.FIRST_ROW}`);
    expect(labels(0, 3)).to.deep.equal([]);
    const whole = labels(FEW_PROMPT_ROWS + 20, 0);
    // Each product is in the list for few rows and for many.
    expect(whole.length).to.be.above(0);
    expect(2 * whole.length).to.equal(list.filter(({kernel}) => kernel.startsWith('mul_mat_tiled')).length);
    for (const [prompt, nDecode] of [
      [2, 0],
      [FEW_PROMPT_ROWS, 0],
      [FEW_PROMPT_ROWS, 4],
      [FEW_PROMPT_ROWS + 1, 0],
    ]) {
      expect(labels(prompt, nDecode)).to.deep.equal(whole);
    }
    expect(rowTiles(FEW_PROMPT_ROWS, 4)).to.equal(NARROW_TILES.ROW_TILE);
    expect(rowTiles(FEW_PROMPT_ROWS + 1, 0)).to.be.above(NARROW_TILES.ROW_TILE);
  });

  it('are cut into parts where outputs are few, and added, for rows of prompts only', () => {
    const list = dispatchesOf(headerOf(GEMMA4_PUBLISHED.e2b, 'Q4_0'), {variants: FAST, chunkSize: 128});
    const tiled = list.filter(({kernel}) => kernel.startsWith('mul_mat_tiled'));
    const partsOf = (N_OUT: number, N_IN: number) => [
      ...new Set(
        tiled
          .filter(({constants}) => constants.N_OUT === N_OUT && constants.N_IN === N_IN)
          .map(({constants: {PARTS, PART_TILES}}) => `${PARTS} of ${8 * PART_TILES}`),
      ),
    ];
    expect(partsOf(1536, 6144)).to.deep.equal(['5 of 1248']);
    expect(partsOf(256, 1536)).to.deep.equal(['6 of 256']);
    expect(partsOf(6144, 1536)).to.deep.equal(['1 of 1536']);
    for (const [i, {kernel, constants}] of list.entries()) {
      if (!kernel.startsWith('mul_mat_tiled') || constants.PARTS === 1) continue;
      const {N_IN, N_OUT, PARTS, PART_TILES} = constants;
      expect(Math.ceil(N_IN / (8 * PART_TILES))).to.equal(PARTS);
      const next = list.slice(i).find((one) => !one.kernel.startsWith('mul_mat_tiled'));
      expect(next?.kernel).to.equal('add_parts');
      expect(next?.constants).to.include({N: N_OUT, PARTS});
    }
    const added = (nRows: number, nDecode: number) =>
      list.filter(({kernel, grid}) => kernel === 'add_parts' && grid({nRows, nOutputs: 1, nDecode, nKeys: 100})[0] > 0);
    expect(added(5, 2)).not.to.be.empty;
    expect(added(2, 2)).to.be.empty;
  });
});

// Which models are measured, in which order, at which lengths; and the same in small for a dry run.

import type {Gemma4Shape} from '../../scripts/model-files/gemma4-shapes.ts';
import {BIG_SHAPES, type BigShape, type BigType} from '../lib/big-model.ts';

export interface Run {
  /** `e2b Q4_0` */
  name: string;
  shape: Gemma4Shape;
  type: BigType;
}

export interface RunLengths {
  /** Tokens; each is a prompt of its own. */
  prompts: number[];
  /** The prompt that is also measured with `wideChunk` rows a step. */
  widePrompt: number;
  wideChunk: number;
  /** Where decoding starts. */
  contexts: number[];
  generated: number;
  batches: number[];
}

/** What says most comes first: a time budget cuts the rest. */
const ORDER: readonly [BigShape, BigType][] = [
  ['1b', 'Q4_0'],
  ['e2b', 'Q4_0'],
  ['270m', 'Q4_0'],
  ['e2b', 'Q4_K_M'],
  ['1b', 'Q8_0'],
  ['270m', 'Q8_0'],
  ['1b', 'Q4_K_M'],
  ['270m', 'Q4_K_M'],
  ['e2b', 'Q8_0'],
  ['26b-a4b', 'Q4_0'],
  ['12b', 'Q4_K_M'],
];

/** Every shape and every kind of type. */
const DRY_ORDER: typeof ORDER = [
  ['1b', 'Q4_0'],
  ['e2b', 'Q4_K_M'],
  ['270m', 'Q8_0'],
  ['26b-a4b', 'Q4_0'],
  ['12b', 'Q4_K_M'],
];

const small = {vocabSize: 2048, nFf: 512, contextLength: 512, suppressed: []};

const DRY_SHAPES: Partial<Record<BigShape, Gemma4Shape>> = {
  '270m': {...BIG_SHAPES['270m'], ...small, nEmbd: 128, layers: 'SF'},
  '1b': {...BIG_SHAPES['1b'], ...small, nEmbd: 256, layers: 'SSF'},
  e2b: {...BIG_SHAPES.e2b, ...small, nEmbd: 256, layers: 'SSFSF', sharedKvLayers: 2, nEmbdPerLayer: 32},
  '12b': {...BIG_SHAPES['12b'], ...small, nEmbd: 256, layers: 'SF'},
  '26b-a4b': {
    ...BIG_SHAPES['26b-a4b'],
    ...small,
    nEmbd: 256,
    layers: 'SF',
    experts: {count: 16, used: 4, ffn: 64, split: false},
  },
};

export const runs = (dry: boolean): Run[] =>
  (dry ? DRY_ORDER : ORDER).map(([shape, type]) => ({
    name: `${shape} ${type}`,
    shape: (dry && DRY_SHAPES[shape]) || BIG_SHAPES[shape],
    type,
  }));

export const lengths = (dry: boolean): RunLengths =>
  dry
    ? {prompts: [4, 16], widePrompt: 16, wideChunk: 256, contexts: [0, 16, 32], generated: 4, batches: [1, 2]}
    : {
        prompts: [32, 512, 2048],
        widePrompt: 512,
        wideChunk: 256,
        contexts: [0, 2048, 8192],
        generated: 128,
        batches: [1, 2, 4, 8],
      };

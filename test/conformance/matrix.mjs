// What is judged: models by seed, architecture, weight type and shape, and how each is run. Not the whole cross product
// but what differs for a reason. Picks up whatever shapes and weight types the fixtures have. Knows no judge.

import {SHAPES, WEIGHT_TYPES} from '../../scripts/model-files/model.ts';
import {GOLDEN_MODELS} from '../fixtures/golden.ts';

/** Chunks that the engine is fed in; the last repeats. Prefill in three sizes, tokens, a chunk behind tokens, tokens. */
const DEFAULT_FEED = [1, 33, 17, 1, 1, 1, 22, 1];
/** For many positions: full chunks, odd ones, and in the end single tokens. */
const LONG_FEED = [64, 50, 64, 33, 64, 17, 64, 1];
/** More than a batch of chunks of 64, and many windows of the fixtures' 8 to 16 positions. */
const LONG = 400;
/** Cuts the embeddings, the head and some others: as tensors above a device's binding limit are cut. */
const SLICE_BYTES = 130_000;
/** Every shape runs in one type that keeps its rows' sizes and in one that mixes types. */
const SHAPE_TYPES = ['Q8_0', 'mixed'];

/** How llama.cpp's quantizer is asked: its file types whose tensor types the engine reads. */
export const QUANTIZER_TYPES = {
  Q4_0: 2,
  Q4_1: 3,
  Q5_0: 8,
  Q5_1: 9,
  Q2_K: 10,
  Q3_K_M: 12,
  Q4_K_M: 15,
  Q5_K_M: 17,
  Q6_K: 18,
  IQ4_NL: 25,
  IQ4_XS: 30,
};

/**
 * @typedef {object} Cell
 * @property {string} group what it is there for
 * @property {string} shape
 * @property {string} type weight type; for `quantizer`, a name of QUANTIZER_TYPES
 * @property {number} seed
 * @property {number} positions
 * @property {Record<string, {chunks: number[], maxSliceBytes?: number}>} runs of the engine, by name
 * @property {boolean} swiftshader also in Chromium on SwiftShader
 * @property {boolean} wllama also beside wllama's WebGPU backend
 * @property {boolean} golden its logits are stored for `npm test`
 */

/** The weight types of published files. */
const COMMON_TYPES = ['F16', 'BF16', 'Q4_0', 'Q8_0', 'Q4_K', 'Q6_K', 'mixed'];
const COMMON_FILES = ['Q4_0', 'Q4_K_M', 'Q5_K_M'];

/** The first shape of every architecture: the one that has the most of it. */
export const BASE_SHAPES = Object.keys(SHAPES).filter(
  (name, i, names) => names.findIndex((other) => SHAPES[other].architecture === SHAPES[name].architecture) === i,
);

/** A weight type's kernels are every architecture's: on two of them all types, on the others the common ones. */
const FULL_SHAPES = ['tiny', 'gemma3'];
const typesOn = (shape) => (FULL_SHAPES.includes(shape) ? WEIGHT_TYPES : COMMON_TYPES);
const filesOn = (shape) => (FULL_SHAPES.includes(shape) ? Object.keys(QUANTIZER_TYPES) : COMMON_FILES);

/** Mixtures of experts, and the weight types that published files of 26B-A4B have besides those every shape runs in. */
const EXPERT_SHAPES = Object.keys(SHAPES).filter((name) => SHAPES[name].experts);
const EXPERT_TYPES = ['F32', 'F16', 'Q5_1', 'Q5_K', 'Q6_K', 'IQ4_NL', 'MXFP4'];

/** @returns {Cell[]} */
export function allCells() {
  const cells = [
    ...BASE_SHAPES.flatMap((shape) =>
      typesOn(shape).map((type) =>
        cell('types', {shape, type, wllama: shape === BASE_SHAPES[0] && COMMON_TYPES.includes(type)}),
      ),
    ),
    ...Object.keys(SHAPES).flatMap((shape) =>
      SHAPE_TYPES.map((type) =>
        cell('shapes', {
          shape,
          type,
          swiftshader: type === 'mixed',
          wllama: type === 'Q8_0' && !SHAPES[shape].experts,
        }),
      ),
    ),
    ...GOLDEN_MODELS.map(({shape, type}) => cell('golden', {shape, type, swiftshader: false})),
    ...BASE_SHAPES.flatMap((shape) =>
      [2, 3].map((seed) => cell('seeds', {shape, type: 'mixed', seed, swiftshader: false})),
    ),
    ...BASE_SHAPES.map((shape) => cell('window', {shape, type: 'F16', seed: 4, runs: windowRuns(shape)})),
    ...BASE_SHAPES.map((shape) =>
      cell('long', {
        shape,
        type: 'F16',
        seed: 5,
        positions: LONG,
        runs: {default: {chunks: LONG_FEED}},
        swiftshader: false,
      }),
    ),
    ...BASE_SHAPES.map((shape) => cell('slices', {shape, type: 'mixed', seed: 6, runs: sliceRuns()})),
    ...BASE_SHAPES.flatMap((shape) =>
      filesOn(shape).map((type) => cell('quantizer', {shape, type, seed: 7, swiftshader: false})),
    ),
    ...EXPERT_SHAPES.slice(0, 1).flatMap((shape) => [
      ...EXPERT_TYPES.map((type) => cell('types', {shape, type})),
      cell('quantizer', {shape, type: 'Q4_K_M', seed: 7, swiftshader: false}),
    ]),
    ...EXPERT_SHAPES.map((shape) => cell('slices', {shape, type: 'mixed', seed: 6, runs: sliceRuns()})),
  ];
  // One model may be there for two reasons: the first counts, and takes over what the other asks.
  const byModel = new Map();
  for (const each of cells) {
    const key = JSON.stringify([each.shape, each.type, each.seed, each.group === 'quantizer']);
    const known = byModel.get(key);
    if (known) for (const wish of ['swiftshader', 'wllama', 'golden']) known[wish] ||= each[wish];
    else byModel.set(key, each);
  }
  return [...byModel.values()];
}

function cell(group, {shape, type, seed = 1, positions = 80, runs, swiftshader = true, wllama = false}) {
  return {
    group,
    shape,
    type,
    seed,
    positions,
    runs: runs ?? {default: {chunks: DEFAULT_FEED}},
    swiftshader,
    wllama,
    golden: seed === 1 && GOLDEN_MODELS.some((model) => model.shape === shape && model.type === type),
  };
}

/** The first chunk ends just before, at and just after the window's edge; so does each that follows. */
function windowRuns(shape) {
  const {slidingWindow: window} = SHAPES[shape];
  if (!window) return {default: {chunks: DEFAULT_FEED}};
  return {
    'window − 1': {chunks: [window - 1]},
    window: {chunks: [window]},
    'window + 1': {chunks: [window + 1]},
    'token by token': {chunks: [1]},
  };
}

function sliceRuns() {
  return {'cut tensors': {chunks: DEFAULT_FEED, maxSliceBytes: SLICE_BYTES}};
}

// The dispatches of a model's forward pass in order, from its header alone: no GPU and no weights.

import {metadataOf} from '../../scripts/model-files/gguf-writer.ts';
import {configMetadata, planTensors, type Shape, type WeightType} from '../../scripts/model-files/model.ts';
import type {StepShape} from '../../src/engine/graph/lowering.ts';
import {adaptedPass, adapterSites, type Pass} from '../../src/engine/memory/adapted-pass.ts';
import {assemble, createWeights} from '../../src/engine/memory/assemble.ts';
import {type MemoryOptions, planEngine} from '../../src/engine/memory/memory-plan.ts';
import {readConfig} from '../../src/engine/model/config.ts';
import {tensorBytes} from '../../src/gguf/ggml-types.ts';
import type {GgufFile, TensorInfo} from '../../src/gguf/gguf-file.ts';
import {CountingBuffers} from '../../src/gpu/counting-buffers.ts';
import type {Grid} from '../../src/gpu/kernel.ts';

const LIMITS = {maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27};

/** One dispatch: what runs, with what, and over how many workgroups in a step. */
export interface ListedDispatch {
  /** What it computes and by which kernel. */
  label: string;
  kernel: string;
  constants: Readonly<Record<string, number>>;
  grid(step: StepShape): Grid;
}

/** What a file of this shape begins with, without a tokenizer. */
export function headerOf(shape: Shape, type: WeightType): GgufFile {
  let size = 0;
  const tensors = new Map<string, TensorInfo>();
  for (const plan of planTensors(shape, type)) {
    const byteLength = tensorBytes(plan.type, plan.shape);
    tensors.set(plan.name, {name: plan.name, type: plan.type, shape: [...plan.shape], offset: size, byteLength});
    size += byteLength;
  }
  const metadata = metadataOf({'general.architecture': shape.architecture, ...configMetadata(shape)});
  return {version: 3, alignment: 32, dataOffset: 0, size, metadata, tensors};
}

/** The lowering of a model, body and head: the plain one, or that of `options.variants`. */
export const dispatchesOf = (file: GgufFile, options: MemoryOptions = {}, limits = LIMITS): ListedDispatch[] =>
  listed(assembled(file, options, limits).base);

/** The same with a term of rank 16 for every matrix whose name matches. */
export function adaptedDispatchesOf(
  file: GgufFile,
  adapted: RegExp,
  options: MemoryOptions = {},
  limits = LIMITS,
): ListedDispatch[] {
  const {base, buffers} = assembled(file, options, limits);
  const terms = adapterSites(base).flatMap((site) => {
    const nTerms = site.parts.filter(({tensor}) => adapted.test(tensor)).length;
    return nTerms > 0 ? [{site, nTerms, nColumns: 16 * nTerms}] : [];
  });
  const any = buffers.create('any', 'adapters', 4);
  return listed(adaptedPass(base, terms, {mixes: any, site: () => ({factors: any, terms: any})}, buffers).pass);
}

function assembled(file: GgufFile, options: MemoryOptions, limits: typeof LIMITS) {
  const config = readConfig(file);
  const {sizes, graph} = planEngine(config, limits, {memoryBudget: 2 ** 40, ...options});
  const buffers = new CountingBuffers(limits);
  return {...assemble(config, graph, sizes, createWeights(buffers, sizes), new Map(), buffers), buffers};
}

const listed = ({dispatches}: Pick<Pass, 'dispatches'>): ListedDispatch[] =>
  dispatches.map(({label, kernel, constants, grid}) => ({label, kernel: kernel.name, constants, grid}));

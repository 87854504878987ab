// What an encoder takes in memory, and the sizes it is made with. Counted by the code that later allocates. Knows no device.
import {GemmaError} from '../../errors.ts';
import {CountingBuffers} from '../../gpu/counting-buffers.ts';
import type {SizeLimits} from '../../gpu/device.ts';
import type {Graph} from '../graph/graph.ts';
import {PLAIN} from '../graph/variants.ts';
import {PAGE_SIZE} from '../kv/pages.ts';
import {assemble, createWeights, type EngineSizes, sizeEngine} from '../memory/assemble.ts';
import {guessBudget} from '../memory/memory-plan.ts';
import {type EncoderConfig, encoderGraph} from '../model/encoders.ts';
import type {EncoderOptions} from './encoder.ts';

/** Texts of one step: of more, each would be shorter than a title. */
export const MAX_TEXTS = 64;

/** Rows of a step, and so tokens of the longest text: the context of EmbeddingGemma, a quarter of what its successor can read. */
const MAX_ROWS = 2048;

/** What `assemble` takes, and bytes on the GPU buffer by buffer. */
export interface EncoderPlan {
  graph: Graph;
  sizes: EngineSizes;
  /** Pages of keys and values, of which a text takes whole ones. */
  pages: number;
  bytes: {weights: number; kv: number; scratch: number; total: number};
}

/** @throws GemmaError `out-of-memory` with the figures in `detail`, `option-invalid` */
export function planEncoder(config: EncoderConfig, limits: SizeLimits, options: EncoderOptions = {}): EncoderPlan {
  const rows = Math.min(options.maxRows ?? MAX_ROWS, config.contextLength);
  if (!Number.isSafeInteger(rows) || rows < 1) {
    throw new GemmaError('option-invalid', `maxRows is ${String(options.maxRows)}; expected an integer above 0`, {
      detail: {option: 'maxRows', value: String(options.maxRows)},
    });
  }
  const texts = Math.min(MAX_TEXTS, rows);
  const pages = Math.ceil(rows / PAGE_SIZE) + texts;
  const graph = encoderGraph(config);
  const maxBufferBytes = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  // What follows the last keys and values needs all rows here: the mean is over them.
  const variants = {...PLAIN, ...options.variants, outputTail: false, sampling: false, ahead: false};
  const sized = sizeEngine(config, {
    maxBufferBytes,
    maxSliceBytes: Math.min(maxBufferBytes, options.maxSliceBytes ?? Number.POSITIVE_INFINITY),
    chunkSize: rows,
    // One table for all texts of a step.
    maxSequences: Math.ceil(pages / Math.ceil(rows / PAGE_SIZE)),
    contextLength: rows,
    kvPages: pages,
    hostTable: false,
    variants,
  });
  const sizes = {...sized, maxOutputs: texts};
  const buffers = new CountingBuffers(limits);
  assemble(config, graph, sizes, createWeights(buffers, sizes), new Map(), buffers);
  const {weights, kv, scratch} = buffers.bytes;
  const bytes = {weights, kv, scratch, total: weights + kv + scratch};
  const budget = options.memoryBudget ?? guessBudget(limits);
  if (bytes.total > budget) {
    const size = (count: number) => `${(count / 2 ** 20).toFixed(0)} MiB`;
    throw new GemmaError(
      'out-of-memory',
      `the embedding model needs ${size(bytes.total)} on the GPU, which is assumed to hold ${size(budget)}. Choose a smaller quantization`,
      {detail: {needed: bytes.total, budget, ...bytes}},
    );
  }
  return {graph, sizes, pages, bytes};
}

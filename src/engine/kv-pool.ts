// How many pages of keys and values a model gets on a device, and the buffers they lie in. Knows no sequence.
import {GemmaError} from '../errors.ts';
import type {Buffers} from '../gpu/buffers.ts';
import type {ModelConfig} from './config.ts';
import {PAGE_SIZE} from './kv-cache.ts';
import type {CacheRows} from './plan.ts';

export interface KvPoolRequest {
  /** Never more than the model's. Undefined: at most 4096, and less where the device cannot hold it. */
  contextLength?: number;
  maxSequences: number;
  /** Undefined: a full context, and more up to the budget. */
  pages?: number;
  /** The most one buffer may have. */
  maxBufferBytes: number;
}

export interface KvPoolSize {
  contextLength: number;
  pages: number;
}

const DEFAULT_CONTEXT = 4096;
/** What the pool may take beyond one full context, so that conversations need not push each other out at once. */
const BUDGET_BYTES = 64 * 2 ** 20;

/** @throws GemmaError `out-of-memory` when a context that was asked for cannot be held. */
export function sizeKvPool(config: ModelConfig, request: KvPoolRequest): KvPoolSize {
  const widths = config.layers.filter(({ownsKv}) => ownsKv).map(({nHeadKv, headDim}) => nHeadKv * headDim);
  const rowBytes = 4 * PAGE_SIZE;
  const pageBytes = widths.reduce((sum, width) => sum + 2 * rowBytes * width, 0);
  const most = Math.floor(request.maxBufferBytes / (rowBytes * Math.max(...widths)));
  const wanted = request.contextLength ?? Math.min(DEFAULT_CONTEXT, most * PAGE_SIZE);
  const contextLength = Math.min(wanted, config.contextLength);
  const perSequence = Math.ceil(contextLength / PAGE_SIZE);
  if (perSequence > most || most < 1) {
    throw new GemmaError(
      'out-of-memory',
      `a context of ${contextLength} needs ${perSequence} pages; this GPU binds at most ${most} of this model. Ask for a context of at most ${most * PAGE_SIZE}`,
      {detail: {contextLength, pages: perSequence, maxPages: most, pageBytes}},
    );
  }
  const affordable = Math.max(perSequence, Math.floor(BUDGET_BYTES / pageBytes));
  const pages = request.pages ?? Math.min(request.maxSequences * perSequence, affordable);
  return {contextLength, pages: Math.min(pages, most)};
}

/** Keys and values by owning layer: f32[pages · PAGE_SIZE][nHeadKv · headDim] each. */
export function createKvBuffers(
  pool: Buffers,
  config: ModelConfig,
  pages: number,
): {keys: CacheRows; values: CacheRows}[] {
  const cache: {keys: CacheRows; values: CacheRows}[] = [];
  for (const {index, ownsKv, nHeadKv, headDim} of config.layers) {
    if (!ownsKv) continue;
    const width = nHeadKv * headDim;
    const rows = (name: string) => ({
      buffer: pool.create(`${name} ${index}`, 'kv', 4 * pages * PAGE_SIZE * width),
      width,
    });
    cache[index] = {keys: rows('keys'), values: rows('values')};
  }
  return cache;
}

// How many pages of keys and values a model gets on a device, and the buffers for them. Knows no sequence.
import {GemmaError} from '../../errors.ts';
import type {Buffers} from '../../gpu/buffers.ts';
import {PAGE_SIZE, type PageGroup} from '../kv/pages.ts';
import type {LayerConfig, ModelConfig} from '../model/model-config.ts';

/** What of a model decides the size of its pool. */
export interface KvModel {
  contextLength: number;
  layers: readonly Pick<LayerConfig, 'hasKv' | 'sliding' | 'window' | 'nHeadKv' | 'headDim'>[];
}

/** What the size of a pool follows from, besides the model. */
export interface KvPoolRequest {
  /** Never more than the model's. Undefined: at most 4096, and less where the device cannot hold it. */
  contextLength?: number;
  maxSequences: number;
  /** Rows of the largest prefill chunk. */
  chunkSize: number;
  /** Pages of each group. Undefined: by `bytes`. */
  pages?: number;
  /** Bytes of keys and values, where that is more than one full context takes. Undefined: see `sizeKvPool`. */
  bytes?: number;
  /** The most one buffer may have. */
  maxBufferBytes: number;
}

/** The size of a pool of keys and values. */
export interface KvPoolSize {
  contextLength: number;
  pages: number;
  slidingPages: number;
  /** The widest window of all sliding layers that have keys and values; 0 where there are none. */
  window: number;
}

/** One layer's keys or values: f32 [pages · PAGE_SIZE][width]. */
export interface CacheBuffer {
  readonly buffer: GPUBuffer;
  readonly width: number;
}

/** Keys and values of all layers that have some. */
export interface KvBuffers {
  /** f32[pages · PAGE_SIZE][nHeadKv · headDim] each, by layer. */
  layers: readonly {keys: CacheBuffer; values: CacheBuffer}[];
  /** The same buffers by group of pages. */
  groups: Readonly<Record<PageGroup, readonly CacheBuffer[]>>;
}

/** Positions of a context where no other length is asked for, if the model and the device have as many. */
export const DEFAULT_CONTEXT = 4096;
/** Least budget: with a small model, several conversations fit beside each other. */
const COMFORTABLE_BYTES = 64 * 2 ** 20;
/** Most bytes above one full context, which may take gigabytes by itself. */
const MOST_EXTRA_BYTES = 256 * 2 ** 20;
const ROW_BYTES = 4 * PAGE_SIZE;

/**
 * Reserves one full context; splits the rest of the budget evenly between full-attention and sliding layers. Without
 * `bytes` the budget is twice one full context, at least 64 MiB, and at most 256 MiB above one context.
 * @throws GemmaError `out-of-memory` when a context that was asked for cannot be held.
 */
export function sizeKvPool(config: KvModel, request: KvPoolRequest): KvPoolSize {
  const owners = config.layers.filter(({hasKv}) => hasKv);
  const full = groupSize(
    owners.filter(({sliding}) => !sliding),
    request,
  );
  const sliding = groupSize(
    owners.filter((layer) => layer.sliding),
    request,
  );
  const window = Math.max(0, ...owners.filter((layer) => layer.sliding).map((layer) => layer.window));
  // A page of a sliding layer is only of use beside the same page of the full ones.
  const slidingPages = (context: number): number =>
    window === 0 ? 0 : Math.min(context, Math.ceil((window + request.chunkSize) / PAGE_SIZE) + 1);

  const wanted = request.contextLength ?? Math.min(DEFAULT_CONTEXT, full.most * PAGE_SIZE);
  const contextLength = Math.min(wanted, config.contextLength);
  const context = Math.ceil(contextLength / PAGE_SIZE);
  const slidingContext = slidingPages(context);
  if (context > full.most || slidingContext > sliding.most) {
    const most = slidingContext > sliding.most ? 0 : full.most;
    throw new GemmaError(
      'out-of-memory',
      `a context of ${contextLength} needs ${context} pages; this GPU binds at most ${most} of this model. Ask for a context of at most ${most * PAGE_SIZE}`,
      {detail: {contextLength, pages: context, maxPages: most, pageBytes: full.bytes + sliding.bytes}},
    );
  }
  const atMost = (pages: number): number => Math.min(pages, full.most, request.maxSequences * context);
  if (request.pages !== undefined) {
    const pages = Math.min(request.pages, full.most);
    return {contextLength, pages, slidingPages: window === 0 ? 0 : Math.min(pages, sliding.most), window};
  }
  const needed = context * full.bytes + slidingContext * sliding.bytes;
  const budget = request.bytes ?? Math.max(needed + Math.min(needed, MOST_EXTRA_BYTES), COMFORTABLE_BYTES);
  const rest = Math.max(0, budget - needed);
  const half = full.bytes > 0 && sliding.bytes > 0 ? rest / 2 : rest;
  const pages = atMost(context + (full.bytes > 0 ? Math.floor(half / full.bytes) : Number.POSITIVE_INFINITY));
  const more = sliding.bytes > 0 ? Math.floor(half / sliding.bytes) : 0;
  return {contextLength, pages, slidingPages: Math.min(slidingContext + more, pages, sliding.most), window};
}

/** Bytes of all keys and values of a pool. */
export function kvPoolBytes({layers}: KvModel, {pages, slidingPages}: KvPoolSize): number {
  const owners = layers.filter(({hasKv}) => hasKv);
  return owners.reduce(
    (sum, {nHeadKv, headDim, sliding}) => sum + 2 * ROW_BYTES * nHeadKv * headDim * (sliding ? slidingPages : pages),
    0,
  );
}

/** Bytes of a page over all layers of a group, and how many pages one buffer can hold. */
function groupSize(layers: KvModel['layers'], {maxBufferBytes}: KvPoolRequest): {bytes: number; most: number} {
  const widths = layers.map(({nHeadKv, headDim}) => nHeadKv * headDim);
  return {
    bytes: widths.reduce((sum, width) => sum + 2 * ROW_BYTES * width, 0),
    most: widths.length > 0 ? Math.floor(maxBufferBytes / (ROW_BYTES * Math.max(...widths))) : 2 ** 20,
  };
}

/** The buffers of all layers that have keys and values. @throws GemmaError `out-of-memory` above the limits */
export function createKvBuffers(pool: Buffers, config: ModelConfig, size: KvPoolSize): KvBuffers {
  const layers: {keys: CacheBuffer; values: CacheBuffer}[] = [];
  const groups: Record<PageGroup, CacheBuffer[]> = {full: [], sliding: []};
  for (const {index, hasKv, nHeadKv, headDim, sliding} of config.layers) {
    if (!hasKv) continue;
    const width = nHeadKv * headDim;
    const group = sliding ? 'sliding' : 'full';
    const pages = sliding ? size.slidingPages : size.pages;
    const rows = (name: string): CacheBuffer => ({
      buffer: pool.create(`blk.${index}.${name}`, 'kv', ROW_BYTES * pages * width),
      width,
    });
    layers[index] = {keys: rows('keys'), values: rows('values')};
    groups[group].push(layers[index].keys, layers[index].values);
  }
  return {layers, groups};
}

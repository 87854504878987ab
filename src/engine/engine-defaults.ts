// How an engine is made on an adapter when nobody says otherwise: which kernels, and how many rows a step may have.
import type {SizeLimits} from '../gpu/device.ts';
import type {EngineOptions} from './engine.ts';
import {PLAIN} from './graph/variants.ts';

/** What decides. */
export interface AdapterFacts {
  /** It computes on the CPU. */
  software: boolean;
  subgroups: boolean;
  limits: SizeLimits;
}

/** Adapters that allow no larger buffer are phones and old GPUs: memory is short there. */
const LARGE_BUFFER_BYTES = 2 ** 30;

/**
 * Tiles in workgroup memory and many small workgroups pay on a GPU; a CPU that plays one does better with the plain
 * kernels (docs/performance.md). Wide steps read each weight for more rows, and take memory for their activations.
 */
export function engineDefaults({
  software,
  subgroups,
  limits,
}: AdapterFacts): Pick<EngineOptions, 'variants' | 'chunkSize'> {
  if (software) return {variants: {...PLAIN, outputTail: true}, chunkSize: 64};
  const variants = {attention: true, products: true, outputTail: true, subgroups};
  return {variants, chunkSize: limits.maxBufferSize >= LARGE_BUFFER_BYTES ? 512 : 128};
}

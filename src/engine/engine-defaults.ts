// How an engine is made on an adapter when no one says otherwise: which kernels, and how many rows a step may have.
import {type EngineLimits, isSoftware} from '../gpu/device.ts';
import type {EngineOptions} from './engine.ts';
import {ALL_FUSIONS} from './graph/fused.ts';
import {PLAIN, type Variants} from './graph/variants.ts';
import {PREPARING_BUFFERS} from './kernels/attention_split.ts';

/** What decides: an adapter's, or a device's with its info. */
export interface AdapterFacts {
  info: GPUAdapterInfo;
  features: GPUSupportedFeatures;
  limits: EngineLimits;
}

/** Values of a row up to which a norm within a product costs less than a dispatch of its own (docs/performance.md). */
const WIDEST_NORMED = 640;

/** Adapters that allow no larger buffer are phones and old GPUs: memory is short there. */
const LARGE_BUFFER_BYTES = 2 ** 30;

/**
 * Everything on a GPU. Tiles in workgroup memory and many small workgroups pay there; a CPU that plays one does better
 * with the plain kernels (docs/performance.md). Wide steps read each weight for more rows, and take memory for their
 * activations.
 */
export function engineDefaults({
  info,
  features,
  limits,
}: AdapterFacts): Required<Pick<EngineOptions, 'variants' | 'chunkSize'>> {
  if (isSoftware(info)) return {variants: {...PLAIN, outputTail: true}, chunkSize: 64};
  const subgroups = features.has('subgroups');
  // Kernels that read more buffers than every device has.
  const large = subgroups && (limits.maxStorageBuffersPerShaderStage ?? 0) >= PREPARING_BUFFERS;
  const variants: Variants = {
    ...PLAIN,
    attention: true,
    products: true,
    partLength: 256,
    outputTail: true,
    fusions: large ? {...ALL_FUSIONS, prepared: true, normed: WIDEST_NORMED} : ALL_FUSIONS,
    sampling: true,
    ahead: true,
    subgroups,
    teams: true,
    subgroupSize: (subgroups && info.subgroupMaxSize) || PLAIN.subgroupSize,
  };
  return {variants, chunkSize: limits.maxBufferSize >= LARGE_BUFFER_BYTES ? 512 : 128};
}

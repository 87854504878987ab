// What keys and values will take on the GPU, from the beginning of a header. An estimate for a visitor who is asked: the
// vocabulary and the tensors have not been read yet.
import type {Metadata} from '../../gguf/metadata.ts';
import {bounded, boundedInteger} from '../model/config-checks.ts';
import {kvPoolBytes, sizeKvPool} from './kv-pool.ts';

/** Larger than any model has: a file whose numbers exceed these gets no estimate, and is refused when it is loaded. */
const MAX_LAYERS = 1024;
const MAX_HEADS = 1024;
const MAX_HEAD_DIM = 4096;
const MAX_CONTEXT = 2 ** 24;

/** Every how many layers one is full, where a file does not say. */
const PERIODS: Readonly<Record<string, number>> = {gemma2: 2, gemma3: 6, gemma3n: 5};
/** Where the device is not known yet: what a load has by default. */
const ASSUMED = {maxSequences: 16, chunkSize: 512, maxBufferBytes: Number.POSITIVE_INFINITY};

/**
 * Bytes of keys and values, in f32, of the pool that a load with this context would make; null where the header's beginning
 * does not hold the sizes, or holds some that no model has. Every count is bounded before anything loops over it: this
 * runs before the visitor has agreed to anything.
 */
export function contextBytes(metadata: Metadata, contextLength?: number): number | null {
  try {
    const prefix = metadata.string('general.architecture');
    const key = (name: string) => `${prefix}.${name}`;
    const nLayer = boundedInteger(metadata, key('block_count'), 1, MAX_LAYERS);
    const owning = nLayer - boundedInteger(metadata, key('attention.shared_kv_layers'), 0, nLayer - 1, 0);
    const nHeadKv = metadata
      .integers(key('attention.head_count_kv'), nLayer)
      .map((heads) => bounded('attention.head_count_kv', heads, 1, MAX_HEADS));
    const keyLength = boundedInteger(metadata, key('attention.key_length'), 1, MAX_HEAD_DIM);
    const slidingLength = boundedInteger(metadata, key('attention.key_length_swa'), 1, MAX_HEAD_DIM, keyLength);
    const period = PERIODS[prefix] ?? 0;
    const sliding = slidingLayers(metadata, key('attention.sliding_window_pattern'), nLayer, period);
    const window = boundedInteger(metadata, key('attention.sliding_window'), 0, MAX_CONTEXT, 0);
    const layers = nHeadKv.map((heads, layer) => ({
      hasKv: layer < owning,
      sliding: sliding[layer] && window > 0,
      window: sliding[layer] ? window : 0,
      nHeadKv: heads,
      headDim: sliding[layer] ? slidingLength : keyLength,
    }));
    const model = {layers, contextLength: boundedInteger(metadata, key('context_length'), 1, MAX_CONTEXT, MAX_CONTEXT)};
    return kvPoolBytes(model, sizeKvPool(model, {...ASSUMED, contextLength}));
  } catch {
    return null;
  }
}

/** By layer. A number n instead of a list: every n-th layer is a full layer. */
function slidingLayers(metadata: Metadata, key: string, nLayer: number, fallback: number): boolean[] {
  if (metadata.isArray(key)) return metadata.booleans(key, nLayer);
  const period = metadata.integer(key, fallback);
  return Array.from({length: nLayer}, (_, layer) => period > 1 && (layer + 1) % period !== 0);
}

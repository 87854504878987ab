// What a conversation will take on the GPU, from the beginning of a header. An estimate for a visitor who is asked:
// the vocabulary and the tensors have not been read yet. What is really allocated is kv-pool.ts's.
import type {Metadata} from '../../gguf/metadata.ts';
import {bounded, boundedInteger} from '../model/config-checks.ts';
import {DEFAULT_CONTEXT} from './kv-pool.ts';

/** Larger than any model has: a file whose numbers exceed these gets no estimate, and is refused when it is loaded. */
const MAX_LAYERS = 1024;
const MAX_HEADS = 1024;
const MAX_HEAD_DIM = 4096;
const MAX_CONTEXT = 2 ** 24;

/**
 * Bytes of keys and values for one conversation of `contextLength` positions in f32; null where the header's beginning
 * does not hold the sizes, or holds some that no model has. Every count is bounded before anything loops over it: this
 * runs before the visitor has agreed to anything.
 */
export function contextBytes(metadata: Metadata, contextLength = DEFAULT_CONTEXT): number | null {
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
    const sliding = slidingLayers(metadata, key('attention.sliding_window_pattern'), nLayer);
    let widths = 0;
    for (let layer = 0; layer < owning; layer++) {
      widths += 2 * nHeadKv[layer] * (sliding[layer] ? slidingLength : keyLength);
    }
    const trained = boundedInteger(metadata, key('context_length'), 1, MAX_CONTEXT, MAX_CONTEXT);
    return 4 * widths * Math.min(contextLength, trained);
  } catch {
    return null;
  }
}

/** By layer. A number n instead of a list: every n-th layer is a full layer. */
function slidingLayers(metadata: Metadata, key: string, nLayer: number): boolean[] {
  if (metadata.isArray(key)) return metadata.booleans(key, nLayer);
  const period = metadata.integer(key, 0);
  return Array.from({length: nLayer}, (_, layer) => period > 1 && (layer + 1) % period !== 0);
}

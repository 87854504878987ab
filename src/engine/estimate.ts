// What a conversation will take on the GPU, from the beginning of a header. An estimate for a visitor who is asked:
// the vocabulary and the tensors have not been read yet. What is really allocated is kv-pool.ts's.
import type {Metadata} from '../gguf/metadata.ts';

/** As kv-pool.ts takes it where nobody asks for another. */
const DEFAULT_CONTEXT = 4096;
const MAX_LAYERS = 1024;

/**
 * Bytes of keys and values for one conversation of `contextLength` positions in f32; null where the header's beginning
 * does not hold the sizes.
 */
export function contextBytes(metadata: Metadata, contextLength = DEFAULT_CONTEXT): number | null {
  try {
    const prefix = metadata.string('general.architecture');
    const key = (name: string) => `${prefix}.${name}`;
    const nLayer = metadata.integer(key('block_count'));
    if (nLayer < 1 || nLayer > MAX_LAYERS) return null;
    const owning = nLayer - metadata.integer(key('attention.shared_kv_layers'), 0);
    const nHeadKv = metadata.integers(key('attention.head_count_kv'), nLayer);
    const keyLength = metadata.integer(key('attention.key_length'));
    const slidingLength = metadata.integer(key('attention.key_length_swa'), keyLength);
    const sliding = slidingLayers(metadata, key('attention.sliding_window_pattern'), nLayer);
    let widths = 0;
    for (let layer = 0; layer < owning; layer++) {
      widths += 2 * nHeadKv[layer] * (sliding[layer] ? slidingLength : keyLength);
    }
    const positions = Math.min(contextLength, metadata.integer(key('context_length'), contextLength));
    return Number.isSafeInteger(widths) && widths > 0 ? 4 * widths * positions : null;
  } catch {
    return null;
  }
}

/** By layer; a number instead of a list says that every so many-th layer is none. */
function slidingLayers(metadata: Metadata, key: string, nLayer: number): boolean[] {
  if (metadata.isArray(key)) return metadata.booleans(key, nLayer);
  const period = metadata.integer(key, 0);
  return Array.from({length: nLayer}, (_, layer) => period > 1 && (layer + 1) % period !== 0);
}

// A random Gemma 4 of a few layers for the engine's tests: every structural feature, the smallest sizes that K-quants
// allow. Weights are noise of the spread a trained net has; nothing it says means anything.
import {
  f32Bytes,
  type WritableGguf,
  type WritableTensor,
  type WritableValue,
  writeGguf,
} from '../../fixtures/gguf-writer.ts';
import {encodeTensor, randomBlocks} from '../../fixtures/quantize.ts';
import {seededRandom, seedOf} from '../../fixtures/random.ts';

export interface TinyOptions {
  /** Type of every matrix. Default F32. */
  type?: 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0' | 'Q4_K' | 'Q6_K';
  seed?: number;
  /** Width of the per-layer embeddings; 0 for none. Default 256. */
  nEmbdPerLayer?: number;
  /** The last layers that share keys and values. Default 2. */
  shared?: number;
  /** A head of its own. Default false. */
  untied?: boolean;
  /** K/V tensors in sharing layers too, filled with NaN: whoever uses them shows it. Default false. */
  ghosts?: boolean;
  /** Replaces or removes (null) metadata. */
  metadata?: Record<string, WritableValue | null>;
}

const D = 256;
const VOCAB = 300;
const HEADS = 4;
const SLIDING = [true, true, false, true, false];

/** What to write; `writeGguf` makes the bytes. */
export function tinyGemma4(options: TinyOptions = {}): WritableGguf {
  const {type = 'F32', seed = 1, nEmbdPerLayer: ple = 256, shared = 2} = options;
  const owners = SLIDING.length - shared;
  const tensors: WritableTensor[] = [];
  const matrix = (name: string, nIn: number, nOut: number, spread = 1 / Math.sqrt(nIn)) =>
    tensors.push({name, type, shape: [nIn, nOut], data: noise(type, nIn * nOut, spread, seedOf(name, seed))});
  const vector = (name: string, n: number, mean: number, spread: number) => {
    const random = seededRandom(seedOf(name, seed));
    const values = Float32Array.from({length: n}, () => mean + spread * random.gauss());
    tensors.push({name, type: 'F32', shape: [n], data: f32Bytes(values)});
  };

  matrix('token_embd.weight', D, VOCAB);
  if (options.untied) matrix('output.weight', D, VOCAB);
  vector('output_norm.weight', D, 6, 0.5);
  tensors.push({
    name: 'rope_freqs.weight',
    type: 'F32',
    shape: [64],
    data: f32Bytes(Float32Array.from({length: 64}, (_, i) => (i < 16 ? 1 : 1e30))),
  });
  if (ple > 0) {
    matrix('per_layer_token_embd.weight', ple * SLIDING.length, VOCAB, 1 / Math.sqrt(ple));
    matrix('per_layer_model_proj.weight', D, ple * SLIDING.length);
    vector('per_layer_proj_norm.weight', ple, 1, 0.2);
  }
  SLIDING.forEach((sliding, i) => {
    const block = `blk.${i}`;
    const headDim = sliding ? 64 : 128;
    const kv = headDim * (sliding ? 2 : 1);
    const ffn = i < owners ? 256 : 512;
    vector(`${block}.attn_norm.weight`, D, 1, 0.2);
    matrix(`${block}.attn_q.weight`, D, headDim * HEADS);
    vector(`${block}.attn_q_norm.weight`, headDim, 1, 0.1);
    if (i < owners) {
      matrix(`${block}.attn_k.weight`, D, kv);
      vector(`${block}.attn_k_norm.weight`, headDim, 0.25, 0.05);
      matrix(`${block}.attn_v.weight`, D, kv);
    } else if (options.ghosts) {
      for (const name of ['attn_k', 'attn_v']) {
        const data = f32Bytes(new Float32Array(D * kv).fill(Number.NaN));
        tensors.push({name: `${block}.${name}.weight`, type: 'F32', shape: [D, kv], data});
      }
    }
    matrix(`${block}.attn_output.weight`, headDim * HEADS, D);
    vector(`${block}.post_attention_norm.weight`, D, 1, 0.2);
    vector(`${block}.ffn_norm.weight`, D, 1, 0.2);
    matrix(`${block}.ffn_gate.weight`, D, ffn);
    matrix(`${block}.ffn_up.weight`, D, ffn);
    matrix(`${block}.ffn_down.weight`, ffn, D);
    vector(`${block}.post_ffw_norm.weight`, D, 1, 0.2);
    if (ple > 0) {
      matrix(`${block}.inp_gate.weight`, D, ple);
      matrix(`${block}.proj.weight`, ple, D);
      vector(`${block}.post_norm.weight`, D, 0.5, 0.1);
    }
    vector(`${block}.layer_output_scale.weight`, 1, 0.8, 0.1);
  });

  const metadata: Record<string, WritableValue | null> = {
    'general.architecture': 'gemma4',
    'general.name': 'tiny',
    'gemma4.block_count': SLIDING.length,
    'gemma4.context_length': 2048,
    'gemma4.embedding_length': D,
    'gemma4.feed_forward_length': SLIDING.map((_, i) => (i < owners ? 256 : 512)),
    'gemma4.attention.head_count': HEADS,
    'gemma4.attention.head_count_kv': SLIDING.map((sliding) => (sliding ? 2 : 1)),
    'gemma4.attention.key_length': 128,
    'gemma4.attention.value_length': 128,
    'gemma4.attention.key_length_swa': 64,
    'gemma4.attention.value_length_swa': 64,
    'gemma4.attention.layer_norm_rms_epsilon': 1e-6,
    'gemma4.attention.sliding_window': 16,
    'gemma4.attention.sliding_window_pattern': SLIDING,
    'gemma4.attention.shared_kv_layers': shared,
    'gemma4.rope.freq_base': {type: 'f32', value: 1e6},
    'gemma4.rope.freq_base_swa': {type: 'f32', value: 1e4},
    'gemma4.rope.dimension_count': 128,
    'gemma4.rope.dimension_count_swa': 64,
    'gemma4.final_logit_softcapping': {type: 'f32', value: 30},
    'gemma4.embedding_length_per_layer_input': ple,
    'tokenizer.ggml.suppress_tokens': Int32Array.of(7, 299),
    ...options.metadata,
  };
  const kept = Object.entries(metadata).filter((entry): entry is [string, WritableValue] => entry[1] !== null);
  return {metadata: Object.fromEntries(kept), tensors};
}

/** The file's bytes. */
export function tinyGemma4File(options?: TinyOptions): Uint8Array {
  return writeGguf(tinyGemma4(options));
}

const made = new Map<string, Uint8Array>();

/** Made once a process: the tests differ in metadata far more often than in weights. */
function noise(type: NonNullable<TinyOptions['type']>, n: number, spread: number, seed: number): Uint8Array {
  const key = [type, n, spread, seed].join();
  let bytes = made.get(key);
  if (!bytes) {
    const random = seededRandom(seed);
    const values = () => Float32Array.from({length: n}, () => spread * random.gauss());
    const blocks = type === 'Q4_K' || type === 'Q6_K';
    bytes = blocks ? randomBlocks(type, n / 256, spread, random) : encodeTensor(type, values());
    made.set(key, bytes);
  }
  return bytes;
}

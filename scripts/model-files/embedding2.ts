// The tensors and keys of a generated `gemma-embedding2` file, and the shape of it that tests run.
import type {WritableValue} from './gguf-writer.ts';
import type {TensorPlans} from './tensor-plan.ts';

/** Everything that decides the tensors and keys of such a file. */
export interface Embedding2Shape {
  architecture: 'gemma-embedding2';
  vocabSize: number;
  nEmbd: number;
  /** Letters: S slides, F does not. */
  layers: string;
  nHead: number;
  /** Heads of keys and their width are others in full layers; both together are as wide. */
  nHeadKv: {sliding: number; full: number};
  headDim: {sliding: number; full: number};
  nFf: number;
  nEmbdPerLayer: number;
  /** Width of a text's vector. */
  nVector: number;
  slidingWindow: number;
  contextLength: number;
  suppressed: readonly number[];
}

/** The structure of EmbeddingGemma 2: two and one KV heads, per-layer embeddings without a table, a window of 16 on each side. */
export const EMBEDDING2_SHAPE: Embedding2Shape = {
  architecture: 'gemma-embedding2',
  vocabSize: 1024,
  nEmbd: 128,
  layers: 'SSF SF',
  nHead: 4,
  nHeadKv: {sliding: 2, full: 1},
  headDim: {sliding: 32, full: 64},
  nFf: 256,
  nEmbdPerLayer: 32,
  nVector: 192,
  slidingWindow: 32,
  contextLength: 4096,
  suppressed: [],
};

const f32 = (value: number): WritableValue => ({type: 'f32', value});
const slides = ({layers}: Embedding2Shape): boolean[] =>
  [...layers.replaceAll(/[^SF]/g, '')].map((letter) => letter === 'S');

/** The keys that begin with `gemma-embedding2.`. */
export function embedding2Metadata(shape: Embedding2Shape): Record<string, WritableValue> {
  const {nHeadKv, headDim} = shape;
  const sliding = slides(shape);
  const keys: Record<string, WritableValue> = {
    block_count: sliding.length,
    context_length: shape.contextLength,
    embedding_length: shape.nEmbd,
    embedding_length_out: shape.nVector,
    embedding_length_per_layer_input: shape.nEmbdPerLayer,
    feed_forward_length: shape.nFf,
    'attention.head_count': shape.nHead,
    'attention.head_count_kv': sliding.map((each) => (each ? nHeadKv.sliding : nHeadKv.full)),
    'attention.key_length': headDim.full,
    'attention.value_length': headDim.full,
    'attention.key_length_swa': headDim.sliding,
    'attention.value_length_swa': headDim.sliding,
    'attention.layer_norm_rms_epsilon': f32(1e-6),
    'attention.sliding_window': shape.slidingWindow,
    'attention.sliding_window_pattern': sliding,
    'attention.causal': false,
    'rope.freq_base': f32(1e6),
    'rope.freq_base_swa': f32(1e4),
    pooling_type: 1,
  };
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [`gemma-embedding2.${key}`, value]));
}

export function planEmbedding2(shape: Embedding2Shape, plans: TensorPlans): void {
  const {nEmbd, nEmbdPerLayer, nHead, nFf} = shape;
  const sliding = slides(shape);
  plans.matrix('token_embd.weight', nEmbd, shape.vocabSize);
  plans.vector('output_norm.weight', nEmbd, 1, 0.2);
  plans.matrix('output.weight', nEmbd, shape.nVector);
  // Deviation 1: the forward pass divides by √nEmbd afterwards.
  plans.matrix('per_layer_model_proj.weight', nEmbd, nEmbdPerLayer * sliding.length, 1);
  plans.vector('per_layer_proj_norm.weight', nEmbdPerLayer, 1, 0.2);
  sliding.forEach((slides, i) => {
    const layer = `blk.${i}`;
    const headDim = slides ? shape.headDim.sliding : shape.headDim.full;
    const nHeadKv = slides ? shape.nHeadKv.sliding : shape.nHeadKv.full;
    plans.vector(`${layer}.attn_norm.weight`, nEmbd, 1, 0.2);
    plans.matrix(`${layer}.attn_q.weight`, nEmbd, nHead * headDim);
    plans.vector(`${layer}.attn_q_norm.weight`, headDim, 1, 0.1);
    plans.matrix(`${layer}.attn_k.weight`, nEmbd, nHeadKv * headDim);
    // Scores are unscaled: with this mean their spread is 2, which attends to some keys and not to one.
    plans.vector(`${layer}.attn_k_norm.weight`, headDim, 2 / Math.sqrt(headDim), 0.4 / Math.sqrt(headDim));
    plans.matrix(`${layer}.attn_v.weight`, nEmbd, nHeadKv * headDim);
    plans.matrix(`${layer}.attn_output.weight`, nHead * headDim, nEmbd);
    plans.vector(`${layer}.post_attention_norm.weight`, nEmbd, 2, 0.4);
    plans.vector(`${layer}.ffn_norm.weight`, nEmbd, 1, 0.2);
    plans.matrix(`${layer}.ffn_gate.weight`, nEmbd, nFf);
    plans.matrix(`${layer}.ffn_up.weight`, nEmbd, nFf);
    plans.matrix(`${layer}.ffn_down.weight`, nFf, nEmbd);
    plans.vector(`${layer}.post_ffw_norm.weight`, nEmbd, 2, 0.4);
    plans.matrix(`${layer}.inp_gate.weight`, nEmbd, nEmbdPerLayer);
    plans.matrix(`${layer}.proj.weight`, nEmbdPerLayer, nEmbd);
    plans.vector(`${layer}.post_norm.weight`, nEmbd, 1, 0.2);
    plans.vector(`${layer}.layer_output_scale.weight`, 1, 0.8, 0.1);
  });
}

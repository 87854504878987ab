// What a model is, as far as the whole engine has to know it: sizes, layers, and the tensors it uses. What only one
// architecture has is added by the config of its folder.
import type {TensorInfo} from '../../gguf/gguf-file.ts';

/** One transformer block, as far as every architecture has it; what only one has, its own config adds. */
export interface LayerConfig {
  index: number;
  /** Attends the last `window` positions only. */
  sliding: boolean;
  /** Positions a query sees, itself included; 0 sees all. */
  window: number;
  headDim: number;
  nHead: number;
  nHeadKv: number;
  /** Width of the feed-forward's inner layer. */
  nFf: number;
  /** Whether this layer computes and stores keys and values; otherwise it reads those of `kvSource`. */
  hasKv: boolean;
  /** The layer whose keys and values this one attends; `index` itself when it has its own. */
  kvSource: number;
  ropeBase: number;
  /** Positions are divided by it before RoPE (linear scaling); 1: none. */
  ropeScale: number;
  /** The tensor that divides this layer's angular frequencies (`rope_freqs.weight`), read while loading; null: none. */
  ropeFactors: string | null;
}

/** What every architecture has: all that loading needs to know. */
export interface ModelConfig {
  architecture: string;
  nEmbd: number;
  nVocab: number;
  /** Width of a layer's per-layer embedding; 0 when the model has none. */
  nEmbdPerLayer: number;
  /** The table of per-layer embeddings, of which a token reads one row; null when the model has none. */
  perLayerTable: string | null;
  /** Ids that are never to be sampled (`tokenizer.ggml.suppress_tokens`). */
  suppressedTokens: readonly number[];
  /** Positions the model was trained for. */
  contextLength: number;
  normEps: number;
  /** logits = cap·tanh(logits / cap); 0 when there is none. */
  softcap: number;
  /** The head is `token_embd.weight`, not a tensor of its own. */
  tiedHead: boolean;
  layers: readonly LayerConfig[];
  /** The tensors the model uses, in file order. What else the file holds is never fetched. */
  tensors: ReadonlyMap<string, TensorInfo>;
}

/** A tensor the architecture asks for. `shape` is GGUF's `ne`. */
export interface TensorRule {
  name: string;
  shape: readonly number[];
  /** A matrix is multiplied or gathered in its stored type; a vector is read as f32. */
  kind: 'matrix' | 'vector';
  /** The tensor may have more rows than this, which are never fetched. */
  cut?: boolean;
}

/** A config before its tensors are checked. */
export type Untensored<C extends ModelConfig = ModelConfig> = Omit<C, 'tensors'>;

/** A description of a model without its tensors, and the rules these must meet. */
export interface ModelDescription<C extends ModelConfig = ModelConfig> {
  config: Untensored<C>;
  rules: readonly TensorRule[];
}

// The forward passes by architecture, and what each is given and gives back. Knows no architecture's insides.
import type {Recording} from '../../gpu/recorder.ts';
import type {CacheRows, Plan, Rows, StepShape} from '../graph/plan.ts';
import type {Weight} from '../memory/weights.ts';
import type {CommonConfig, LayerConfig, ModelConfig} from './config.ts';
import {recordGemma} from './gemma/forward.ts';
import {recordGemma2} from './gemma2/forward.ts';
import {recordGemma3} from './gemma3/forward.ts';
import {recordGemma3n} from './gemma3n/forward.ts';
import {recordGemma4} from './gemma4/forward.ts';

/** What a plan needs of a loaded model. */
export interface ModelParts<C extends CommonConfig = ModelConfig> {
  config: C;
  weight(name: string): Weight;
  /** The RoPE table of a layer's kind. */
  frequencies(layer: LayerConfig): GPUBuffer;
  /** Keys and values by owning layer. */
  cache: readonly {keys: CacheRows; values: CacheRows}[];
  /** Most rows that go through the head at once. */
  maxOutputs: number;
}

/** Made at once, compiled in the background. */
export interface ForwardPass {
  /** Token ids to the last layer's residual stream, keys and values written. */
  body: Promise<Recording<StepShape>>;
  /** The residual stream's output rows to logits. */
  head: Promise<Recording<StepShape>>;
  /** f32[m][nVocab] */
  logits: Rows;
}

export function recordModel(plan: Plan, parts: ModelParts): ForwardPass {
  const {config} = parts;
  switch (config.architecture) {
    case 'gemma':
      return recordGemma(plan, {...parts, config});
    case 'gemma2':
      return recordGemma2(plan, {...parts, config});
    case 'gemma3':
      return recordGemma3(plan, {...parts, config});
    case 'gemma3n':
      return recordGemma3n(plan, {...parts, config});
    case 'gemma4':
      return recordGemma4(plan, {...parts, config});
  }
}

// The forward pass in float64 on the CPU, for any weight type: the first judge of the GPU's logits. Every position is
// computed at once, from nothing; no cache, no chunks, no tricks. An architecture's layers are models/*.ts. Knows no device.

import {readConfig} from '../../src/engine/model/config.ts';
import type {GemmaConfig} from '../../src/engine/model/gemma/config.ts';
import type {Gemma2Config} from '../../src/engine/model/gemma2/config.ts';
import type {Gemma3Config} from '../../src/engine/model/gemma3/config.ts';
import type {Gemma3nConfig} from '../../src/engine/model/gemma3n/config.ts';
import type {Gemma4Config} from '../../src/engine/model/gemma4/config.ts';
import type {ModelConfig} from '../../src/engine/model/model-config.ts';
import type {Architecture} from '../../src/engine/model/registry.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import type {GgufFile} from '../../src/gguf/gguf-file.ts';
import type {ReferenceParts} from './model-blocks.ts';
import {rmsNorm, softcap} from './model-ops.ts';
import {type ReferenceTerm, ReferenceWeights} from './model-weights.ts';
import {GemmaReference} from './models/gemma.ts';
import {Gemma2Reference} from './models/gemma2.ts';
import {Gemma3Reference} from './models/gemma3.ts';
import {Gemma3nReference} from './models/gemma3n.ts';
import {Gemma4Reference} from './models/gemma4.ts';
import type {ReferenceForward, Trace} from './types.ts';

export interface ReferenceOptions {
  /** Logits from this position on; earlier positions skip the head. Default 0. */
  from?: number;
  trace?: Trace;
}

const FORWARD_PASSES: Readonly<Record<Architecture, (parts: ReferenceParts) => ReferenceForward>> = {
  gemma: (parts) => new GemmaReference(parts as ReferenceParts<GemmaConfig>),
  gemma2: (parts) => new Gemma2Reference(parts as ReferenceParts<Gemma2Config>),
  gemma3: (parts) => new Gemma3Reference(parts as ReferenceParts<Gemma3Config>),
  gemma3n: (parts) => new Gemma3nReference(parts as ReferenceParts<Gemma3nConfig>),
  gemma4: (parts) => new Gemma4Reference(parts as ReferenceParts<Gemma4Config>),
};

export class ReferenceModel {
  readonly config: ModelConfig;
  readonly #weights: ReferenceWeights;
  readonly #forward: ReferenceForward;

  private constructor(config: ModelConfig, weights: ReferenceWeights) {
    this.config = config;
    this.#weights = weights;
    this.#forward = FORWARD_PASSES[config.architecture as Architecture]({config, weights});
  }

  /** Reads every tensor the model uses into memory. `terms`: what adapters add to their products. */
  static async load(source: ByteSource, file: GgufFile, terms: readonly ReferenceTerm[] = []): Promise<ReferenceModel> {
    const config = readConfig(file);
    return new ReferenceModel(config, await ReferenceWeights.read(source, config, terms));
  }

  /** f64[nVocab] for every position from `from` on, after soft-capping; suppressed tokens are not touched. */
  logits(tokens: readonly number[], {from = 0, trace = () => {}}: ReferenceOptions = {}): Float64Array[] {
    const {normEps, softcap: cap, tiedHead} = this.config;
    const h = this.#forward.run(tokens, trace);
    // [n − from][nEmbd] → [n − from][nVocab]
    const norm = this.#weights.vector('output_norm.weight');
    const normed = h.slice(from).map((row) => rmsNorm(row, normEps, norm));
    trace('result_norm', normed);
    const head = this.#weights.matrix(tiedHead ? 'token_embd.weight' : 'output.weight');
    // Terms of a table are the embedding's, and none of the head that shares it.
    const logits = tiedHead ? head.multiplyRows(normed, 0, head.nOut) : head.multiply(normed);
    return logits.map((row) => softcap(row, cap));
  }
}

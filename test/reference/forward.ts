// The forward pass in float64 on the CPU, for any weight type: the first judge of the GPU's logits. Every position is
// computed at once, from nothing; no cache, no chunks, no tricks. An architecture's layers are models/*.ts. Knows no device.

import {type ModelConfig, readConfig} from '../../src/engine/model/config.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import type {GgufFile} from '../../src/gguf/gguf-file.ts';
import {rmsNorm, softcap} from './model-ops.ts';
import {ReferenceWeights} from './model-weights.ts';
import {GemmaReference} from './models/gemma.ts';
import {Gemma2Reference} from './models/gemma2.ts';
import {Gemma3Reference} from './models/gemma3.ts';
import {Gemma3nReference} from './models/gemma3n.ts';
import {Gemma4Reference} from './models/gemma4.ts';

/** Rows of f64, one a position. */
export type Rows = Float64Array[];

export interface KeysAndValues {
  keys: Rows;
  values: Rows;
}

/** Sees named intermediate rows as they are made: `inp_scaled`, `attn_out-3`, `ffn_out-3`, `l_out-3`, `result_norm`. */
export type Trace = (name: string, rows: readonly Float64Array[]) => void;

export interface ReferenceOptions {
  /** Logits from this position on; earlier positions skip the head. Default 0. */
  from?: number;
  trace?: Trace;
}

/** An architecture's layers. */
export interface ReferenceForward {
  /** Token ids → the last layer's residual stream: f64[n][nEmbd]. */
  run(tokens: readonly number[], trace: Trace): Rows;
}

function forwardOf(config: ModelConfig, weights: ReferenceWeights): ReferenceForward {
  switch (config.architecture) {
    case 'gemma':
      return new GemmaReference({config, weights});
    case 'gemma2':
      return new Gemma2Reference({config, weights});
    case 'gemma3':
      return new Gemma3Reference({config, weights});
    case 'gemma3n':
      return new Gemma3nReference({config, weights});
    case 'gemma4':
      return new Gemma4Reference({config, weights});
  }
}

export class ReferenceModel {
  readonly config: ModelConfig;
  readonly #weights: ReferenceWeights;
  readonly #forward: ReferenceForward;

  private constructor(config: ModelConfig, weights: ReferenceWeights) {
    this.config = config;
    this.#weights = weights;
    this.#forward = forwardOf(config, weights);
  }

  /** Reads every tensor the model uses into memory. */
  static async load(source: ByteSource, file: GgufFile): Promise<ReferenceModel> {
    const config = readConfig(file);
    return new ReferenceModel(config, await ReferenceWeights.read(source, config));
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
    return head.multiply(normed).map((row) => softcap(row, cap));
  }
}

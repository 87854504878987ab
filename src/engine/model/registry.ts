// Every architecture that can be run: how its header is described, and its forward pass. A new one is a folder and a line.
import type {GgufFile} from '../../gguf/gguf-file.ts';
import {buildGraph, type GraphBuilder} from '../graph/builder.ts';
import type {Activation, Graph} from '../graph/graph.ts';
import {describeGemma} from './gemma/config.ts';
import {forwardGemma} from './gemma/forward.ts';
import {describeGemma2} from './gemma2/config.ts';
import {forwardGemma2} from './gemma2/forward.ts';
import {describeGemma3} from './gemma3/config.ts';
import {forwardGemma3} from './gemma3/forward.ts';
import {describeGemma3n} from './gemma3n/config.ts';
import {forwardGemma3n} from './gemma3n/forward.ts';
import {describeGemma4} from './gemma4/config.ts';
import {forwardGemma4} from './gemma4/forward.ts';
import type {ModelConfig, ModelDescription} from './model-config.ts';

/** By `general.architecture`. */
export const ARCHITECTURES = {
  gemma4: architecture(describeGemma4, forwardGemma4),
  gemma3n: architecture(describeGemma3n, forwardGemma3n),
  gemma3: architecture(describeGemma3, forwardGemma3),
  gemma2: architecture(describeGemma2, forwardGemma2),
  gemma: architecture(describeGemma, forwardGemma),
};

/** The name of an architecture that can be run. */
export type Architecture = keyof typeof ARCHITECTURES;

/** The forward pass of a model: token ids to logits. */
export function graphOf(config: ModelConfig): Graph {
  return buildGraph(config, (g) => ARCHITECTURES[config.architecture as Architecture].forward(g, config));
}

/** A config is only ever given to the forward pass of the architecture that described it. */
function architecture<C extends ModelConfig>(
  describe: (file: GgufFile) => ModelDescription<C>,
  forward: (g: GraphBuilder, config: C) => Activation,
) {
  return {
    describe: describe as (file: GgufFile) => ModelDescription,
    forward: forward as (g: GraphBuilder, config: ModelConfig) => Activation,
  };
}

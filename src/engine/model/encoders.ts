// Every architecture that turns texts into vectors: how its header is described, and its forward pass. A new one is a
// folder and a line.
import {GemmaError} from '../../errors.ts';
import type {GgufFile} from '../../gguf/gguf-file.ts';
import type {Metadata} from '../../gguf/metadata.ts';
import {buildGraph, type GraphBuilder} from '../graph/builder.ts';
import type {Activation, Graph} from '../graph/graph.ts';
import {withTensors} from './config.ts';
import {describeGemmaEmbedding, type GemmaEmbeddingConfig} from './gemma-embedding/config.ts';
import {forwardGemmaEmbedding} from './gemma-embedding/forward.ts';
import {describeGemmaEmbedding2, type GemmaEmbedding2Config} from './gemma-embedding2/config.ts';
import {forwardGemmaEmbedding2} from './gemma-embedding2/forward.ts';
import type {ModelDescription} from './model-config.ts';

/** The config of any encoder. */
export type EncoderConfig = GemmaEmbeddingConfig | GemmaEmbedding2Config;

/** By `general.architecture`. */
const ENCODERS = {
  'gemma-embedding': encoder(describeGemmaEmbedding, forwardGemmaEmbedding),
  'gemma-embedding2': encoder(describeGemmaEmbedding2, forwardGemmaEmbedding2),
};

/** Whether the file is of a model that turns texts into vectors. */
export function isEncoder(metadata: Metadata): boolean {
  return Object.hasOwn(ENCODERS, metadata.string('general.architecture'));
}

/**
 * @throws GemmaError `architecture-unsupported`, `config-invalid`, `tensor-missing`, `tensor-shape`, `quant-unsupported`
 */
export function readEncoderConfig(file: GgufFile): EncoderConfig {
  if (isEncoder(file.metadata)) return withTensors(file, encoderOf(file.metadata).describe(file));
  const architecture = file.metadata.string('general.architecture');
  throw new GemmaError(
    'architecture-unsupported',
    `found architecture ${architecture}; embedding models that can be run: ${Object.keys(ENCODERS).join(', ')}. Choose another GGUF file`,
    {detail: {architecture}},
  );
}

/** The forward pass: token ids of whole texts → [texts][nVector]. */
export function encoderGraph(config: EncoderConfig): Graph {
  return buildGraph(config, (g) => ENCODERS[config.architecture].forward(g, config));
}

/** A config is only ever given to the forward pass of the architecture that described it. */
function encoder<C extends EncoderConfig>(
  describe: (file: GgufFile) => ModelDescription<C>,
  forward: (g: GraphBuilder, config: C) => Activation,
) {
  return {
    describe: describe as (file: GgufFile) => ModelDescription<EncoderConfig>,
    forward: forward as (g: GraphBuilder, config: EncoderConfig) => Activation,
  };
}

const encoderOf = (metadata: Metadata) => ENCODERS[metadata.string('general.architecture') as keyof typeof ENCODERS];

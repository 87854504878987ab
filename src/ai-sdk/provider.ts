// A provider for the AI SDK: the site's model where its programs expect a service's. Owns who gives the client; requests are
// call-options.ts's, answers parts.ts's.
import type {EmbeddingModelV4, LanguageModelV4, ProviderV4} from '@ai-sdk/provider';
import type {EmbeddingParams, EmbeddingResponse} from '../client/embeddings.ts';
import type {GemmaClient} from '../client/gemma-client.ts';
import type {ChatCompletionParams} from '../client/shapes.ts';
import {GemmaError} from '../errors.ts';
import {chatCall} from './call-options.ts';
import {resultOf, streamOf} from './parts.ts';

/** What of a client is used. */
export type ChatClient = Pick<GemmaClient, 'chat'>;

/** A client, or what gives one: called once for each request. */
export type GivenClient = ChatClient | (() => ChatClient | Promise<ChatClient>);

export interface GemmaProviderOptions {
  /** For `embeddingModel`: a `GemmaEmbeddings`. */
  embeddings?: {create(params: EmbeddingParams): Promise<EmbeddingResponse<Float32Array | string>>};
}

/** The provider; called, it gives the language model. The name of a model is for logs: the client decides which it is. */
export interface GemmaProvider extends ProviderV4 {
  (modelId?: string): LanguageModelV4;
  languageModel(modelId?: string): LanguageModelV4;
  embeddingModel(modelId?: string): EmbeddingModelV4;
}

const PROVIDER = 'gemma-chat';

/**
 * A provider for `streamText`, `generateText`, `generateObject`, agents and `embedMany` of the AI SDK 7. Options of a request that the
 * SDK does not know go into `providerOptions.gemma`, by the names of `chat.completions.create`.
 */
export function createGemma(client: GivenClient, {embeddings}: GemmaProviderOptions = {}): GemmaProvider {
  const languageModel = (modelId = 'gemma') => createLanguageModel(client, modelId);
  const embeddingModel = (modelId = 'embedding'): EmbeddingModelV4 => {
    if (!embeddings) throw missing('embedding model; give createGemma one: {embeddings}');
    return createEmbeddingModel(embeddings, modelId);
  };
  const imageModel = () => {
    throw missing('image model');
  };
  return Object.assign(languageModel, {
    specificationVersion: 'v4' as const,
    languageModel,
    embeddingModel,
    imageModel,
  });
}

const missing = (what: string): GemmaError => new GemmaError('option-invalid', `there is no ${what}`);

function createLanguageModel(given: GivenClient, modelId: string): LanguageModelV4 {
  const chat = async () => (typeof given === 'function' ? await given() : given).chat.completions;
  return {
    specificationVersion: 'v4',
    provider: PROVIDER,
    modelId,
    supportedUrls: {},
    async doGenerate(options) {
      const {params, warnings} = chatCall(options);
      const body: ChatCompletionParams & {stream: false} = {...params, stream: false};
      const answer = await (await chat()).create(body, {signal: options.abortSignal});
      return {...resultOf(answer), warnings, request: {body: params}};
    },
    async doStream(options) {
      const {params, warnings} = chatCall(options);
      const leaving = new AbortController();
      const signal = AbortSignal.any([leaving.signal, ...(options.abortSignal ? [options.abortSignal] : [])]);
      const chunks = await (await chat()).create({...params, stream: true}, {signal});
      const stream = streamOf(chunks, {
        ...{warnings, signal, raw: options.includeRawChunks === true},
        leave: () => leaving.abort(),
      });
      return {stream, request: {body: params}};
    },
  };
}

function createEmbeddingModel(
  client: NonNullable<GemmaProviderOptions['embeddings']>,
  modelId: string,
): EmbeddingModelV4 {
  return {
    specificationVersion: 'v4',
    provider: PROVIDER,
    modelId,
    maxEmbeddingsPerCall: 2048,
    supportsParallelCalls: false,
    async doEmbed({values, abortSignal, providerOptions}) {
      const own = providerOptions?.gemma as Partial<EmbeddingParams> | undefined;
      const {data, usage} = await client.create({...own, input: values, signal: abortSignal});
      const embeddings = data.map(({embedding}) => Array.from(embedding as Float32Array));
      return {embeddings, usage: {tokens: usage.total_tokens}, warnings: []};
    },
  };
}

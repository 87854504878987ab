// What a page can learn of models without loading one, and what it can do with those that are stored. One connection a
// question: nothing is held between two.
import type {CallRequest} from '../protocol/caller.ts';
import type {ModelInspection, Results, StoredModels} from '../protocol/messages.ts';
import {checkOptions, found, unexpected} from '../protocol/options.ts';
import {connect, type Platform} from './connect.ts';
import {EXPECTED_SRC, isModelSrc, type ModelSrc, modelRef} from './model-src.ts';
import {type Specs, signalOption} from './option-specs.ts';
import {pagePlatform} from './platform.ts';
import {workerUrl} from './worker-url.ts';

/** Which worker is asked. */
export interface ModelsOptions {
  /** As in `GemmaClient.load`. */
  workerSrc?: string | URL;
  signal?: AbortSignal;
}

/** Which model is asked about. */
export interface InspectOptions extends ModelsOptions {
  modelSrc: ModelSrc;
  integrity?: string;
  /** For the memory that a conversation takes. */
  contextLength?: number;
}

/** The models that this site has stored on the visitor's device. */
export interface StoredModelsApi {
  /** What is stored, the last used first, and how much room there is. */
  list(options?: ModelsOptions): Promise<StoredModels>;
  /**
   * Removes the file with this `id`. A model that runs goes on running.
   * @throws GemmaError `model-in-use` while it is being downloaded
   */
  remove(id: string, options?: ModelsOptions): Promise<void>;
  removeAll(options?: ModelsOptions): Promise<void>;
}

/** An option that is a URL. */
export const url = {check: (value: unknown) => typeof value === 'string' || value instanceof URL, expected: 'a URL'};
/** The option `modelSrc`. */
export const modelSrcOption = {check: isModelSrc, expected: EXPECTED_SRC};
/** The option `integrity`. */
export const integrityOption = {
  check: (value: unknown) => typeof value === 'string' && /^\s*sha256[-:]/i.test(value),
  expected: 'sha256-… of the file, in base64 or hex',
};

const modelsSpecs: Specs = {workerSrc: url, signal: signalOption};
const inspectSpecs: Specs = {
  ...modelsSpecs,
  modelSrc: modelSrcOption,
  integrity: integrityOption,
  contextLength: {check: (value) => Number.isSafeInteger(value) && (value as number) >= 1, expected: 'an integer'},
};

/** What is known of a model without loading it. @throws GemmaError: the store's and the reader's; AbortError */
export async function inspect(options: InspectOptions, platform: Platform = pagePlatform()): Promise<ModelInspection> {
  checkOptions('GemmaClient.inspect', options, inspectSpecs);
  const {modelSrc, integrity, contextLength} = options;
  return ask(
    {type: 'inspect', model: modelRef(modelSrc, platform.baseUrl, integrity), contextLength},
    options,
    platform,
  );
}

/** The stored models of the site that `platform` belongs to. */
export function storedModels(platform: () => Platform = pagePlatform): StoredModelsApi {
  const checked = async <T extends CallRequest>(where: string, request: T, options: ModelsOptions = {}) => {
    checkOptions(where, options, modelsSpecs);
    return ask(request, options, platform());
  };
  return {
    list: (options) => checked('models.list', {type: 'models'}, options),
    async remove(id, options) {
      if (typeof id === 'string' && id !== '') return checked('models.remove', {type: 'remove', model: id}, options);
      throw unexpected('id', found(id), 'the id of a stored model, as in list()');
    },
    removeAll: (options) => checked('models.removeAll', {type: 'remove', model: null}, options),
  };
}

/** One question over a connection of its own. */
async function ask<T extends CallRequest>(
  request: T,
  {workerSrc, signal}: ModelsOptions,
  platform: Platform,
): Promise<Results[T['type']]> {
  const {caller, close} = await connect(workerUrl(workerSrc, platform.baseUrl), platform, {signal});
  try {
    return await caller.call(request, {signal});
  } finally {
    close();
  }
}

// What a page can learn of models without loading one, and what it can do with those that are stored. One connection a
// question: nothing is held between two.
import type {ModelInspection, StoredModels} from '../protocol/messages.ts';
import {checkOptions, found, unexpected} from '../protocol/options.ts';
import {type Connection, connect, type Platform} from './connect.ts';
import {EXPECTED_SRC, isModelSrc, type ModelSrc, modelRef} from './model-src.ts';
import {type Specs, signalOption} from './params.ts';
import {pagePlatform} from './platform.ts';
import {workerUrl} from './worker-url.ts';

export interface ModelsOptions {
  /** As in `GemmaClient.load`. */
  workerSrc?: string | URL;
  signal?: AbortSignal;
}

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

export const url = {check: (value: unknown) => typeof value === 'string' || value instanceof URL, expected: 'a URL'};
export const modelSrcOption = {check: isModelSrc, expected: EXPECTED_SRC};
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

/** @throws GemmaError: the store's and the reader's; AbortError */
export async function inspect(options: InspectOptions, platform: Platform = pagePlatform()): Promise<ModelInspection> {
  checkOptions('GemmaClient.inspect', options, inspectSpecs);
  const {modelSrc, integrity, contextLength, signal} = options;
  const model = modelRef(modelSrc, platform.baseUrl, integrity);
  return ask(options, platform, ({caller}) => caller.call({type: 'inspect', model, contextLength}, {signal}));
}

export function storedModels(platform: () => Platform = pagePlatform): StoredModelsApi {
  const checked = (where: string, options: ModelsOptions): ModelsOptions => {
    checkOptions(where, options, modelsSpecs);
    return options;
  };
  return {
    list: async (options = {}) =>
      ask(checked('models.list', options), platform(), ({caller}) => caller.call({type: 'models'}, options)),
    remove: async (id, options = {}) => {
      if (typeof id !== 'string' || id === '') {
        throw unexpected('id', found(id), 'the id of a stored model, as in list()');
      }
      return ask(checked('models.remove', options), platform(), ({caller}) => {
        return caller.call({type: 'remove', model: id}, options);
      });
    },
    removeAll: async (options = {}) =>
      ask(checked('models.removeAll', options), platform(), ({caller}) => {
        return caller.call({type: 'remove', model: null}, options);
      }),
  };
}

async function ask<T>(
  {workerSrc, signal}: ModelsOptions,
  platform: Platform,
  question: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await connect(workerUrl(workerSrc, platform.baseUrl), platform, {signal});
  try {
    return await question(connection);
  } finally {
    connection.close();
  }
}

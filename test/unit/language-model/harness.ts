// A page's model for tests of the Prompt API: the real client over a fake worker.
import {GemmaClient} from '../../../src/client/gemma-client.ts';
import type {LoadOptions, ModelInspection} from '../../../src/client/index.ts';
import * as entry from '../../../src/language-model/index.ts';
import {configure, type LanguageModelConfiguration} from '../../../src/language-model/index.ts';
import type {ClientLoader} from '../../../src/language-model/model-source.ts';
import {FakeWorker, type FakeWorkerOptions} from '../../helpers/fake-worker.ts';

/** Names a client of a fake worker as the page's model. */
export async function withClient(
  options: FakeWorkerOptions = {},
  configuration: {experimental?: boolean} = {},
): Promise<{worker: FakeWorker; client: GemmaClient}> {
  const worker = new FakeWorker(options);
  const client = await worker.load();
  configure({client, ...configuration});
  return {worker, client};
}

/** Names a URL as the page's model, which a fake worker loads. */
export function withUrl(worker: FakeWorker, inspection: Partial<ModelInspection> = {}) {
  const loads: LoadOptions[] = [];
  const configuration: LanguageModelConfiguration = {modelSrc: 'model.gguf', workerSrc: '/gemma-chat.worker.js'};
  configure(
    configuration,
    loaderOf(worker, inspection, (given) => loads.push(given)),
  );
  return loads;
}

function loaderOf(
  worker: FakeWorker,
  inspection: Partial<ModelInspection> = {},
  told: (options: LoadOptions) => void = () => {},
): ClientLoader {
  return async () => ({
    inspect: async () =>
      ({loaded: false, problem: null, size: 100, storedBytes: 0, storage: 'opfs', ...inspection}) as ModelInspection,
    load: (given) => {
      told(given);
      return GemmaClient.load({...given, workerSrc: '/gemma-chat.worker.js'}, worker.platform());
    },
  });
}

/** Runs a program of the documentation as it stands, in a page whose worker is `worker`; gives what it prints. */
export async function runProgram(code: string, worker: FakeWorker): Promise<string[]> {
  const [line, names] = /^import \{(.*)\} from 'gemma-chat\/language-model';\n/.exec(code) ?? [];
  if (line === undefined) throw new Error(`no import of gemma-chat/language-model in ${code}`);
  const printed: string[] = [];
  const own = {
    ...entry,
    configure: (given: LanguageModelConfiguration) => configure(given, loaderOf(worker)),
  };
  const run = new Function(
    'own',
    'console',
    `return (async () => {const {${names}} = own; ${code.slice(line.length)}})()`,
  );
  await run(own, {log: (...said: unknown[]) => printed.push(said.join(' '))});
  return printed;
}

/** All that a stream gives. */
export async function all<T>(stream: ReadableStream<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream as unknown as AsyncIterable<T>) items.push(item);
  return items;
}

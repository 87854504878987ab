// `client.adapters`: LoRA adapters beside the loaded model. A chunk of its own, fetched at the first call. Owns what the
// methods check; the worker reads the files. Imports types only: what it needs of the entry is handed to it.
import type {Caller} from '../protocol/caller.ts';
import type {AdapterInfo, AdapterRef, NamedBlob} from '../protocol/messages.ts';
import type {checkOptions, found, OptionSpec, unexpected} from '../protocol/options.ts';
import type {ModelConnection} from './model-connection.ts';
import type {modelRef} from './model-src.ts';

/** An adapter's file. */
export interface AdapterLoadOptions {
  /** URL of a GGUF adapter or of `adapter_model.safetensors`, whose `adapter_config.json` is beside it; or `hf:owner/repo/file`. */
  src?: string | URL;
  /** The file itself instead; of PEFT both files. */
  file?: Blob | readonly File[];
  /** SHA-256 that the file with the weights must have, as `sha256-…` in base64 or hex. */
  integrity?: string;
  signal?: AbortSignal;
}

/** Adapters beside a loaded model. */
export interface AdaptersApi {
  /**
   * Loads an adapter for the model, or joins those who have loaded the same file. Answers go on meanwhile.
   * @throws GemmaError `adapter-invalid` for a file that is none or is for another model, `out-of-memory`, `network`,
   *   `http-status`, `integrity-mismatch`; AbortError
   */
  load(options: AdapterLoadOptions): Promise<AdapterInfo>;
  /** Those that requests can name. */
  list(): Promise<AdapterInfo[]>;
  /** This client needs it no more. Answers that use it end as they began. @throws GemmaError `option-invalid` */
  unload(id: string): Promise<void>;
}

const specs = {
  src: {
    check: (value: unknown) => (typeof value === 'string' && value !== '') || value instanceof URL,
    expected: 'the URL of an adapter',
  },
  file: {
    check: (value: unknown) =>
      value instanceof Blob || (Array.isArray(value) && value.length > 0 && value.every((one) => one instanceof Blob)),
    expected: 'a File, or the two of a PEFT adapter',
  },
};

/** Loads again what this client had, by id, after another worker has taken over. */
export type Reloads = Map<string, (caller: Caller) => Promise<unknown>>;

/** What the entry hands over. */
export interface Handed {
  connection: ModelConnection;
  reloads: Reloads;
  /** What relative URLs are relative to. */
  base: string;
  integrity: OptionSpec;
  signal: OptionSpec;
  checkOptions: typeof checkOptions;
  found: typeof found;
  modelRef: typeof modelRef;
  unexpected: typeof unexpected;
}

/** `client.adapters.load`. @throws GemmaError as it says; AbortError */
export async function load(handed: Handed, options: AdapterLoadOptions): Promise<AdapterInfo> {
  const {connection, reloads, base, checkOptions, modelRef, unexpected} = handed;
  checkOptions('adapters.load', options, {...specs, integrity: handed.integrity, signal: handed.signal});
  const {src, file, integrity, signal} = options;
  if ((src === undefined) === (file === undefined)) {
    throw unexpected('src', src === undefined ? 'missing' : 'given beside file', 'either src or file');
  }
  const adapter = nameless(modelRef((src ?? file) as string | URL | Blob | readonly Blob[], base, integrity));
  const ask = (caller: Caller) => caller.call({type: 'load-adapter', adapter}, {signal});
  const info = await connection.call(ask);
  reloads.set(info.id, (caller) => caller.call({type: 'load-adapter', adapter}));
  return info;
}

/** `client.adapters.list`. */
export function list({connection}: Handed): Promise<AdapterInfo[]> {
  return connection.call((caller) => caller.call({type: 'adapters'}));
}

/** `client.adapters.unload`. @throws GemmaError `option-invalid` for an id that is not loaded */
export async function unload({connection, reloads, found, unexpected}: Handed, id: string): Promise<void> {
  if (typeof id !== 'string') throw unexpected('id', found(id), 'the id of a loaded adapter, as in list()');
  reloads.delete(id);
  await connection.call((caller) => caller.call({type: 'unload-adapter', adapter: id}));
}

/** A bare Blob gets a name that no other has. */
function nameless(ref: AdapterRef): AdapterRef {
  if ('url' in ref) return ref;
  const named = ({blob, name}: NamedBlob) => ({blob, name: blob instanceof File ? name : crypto.randomUUID()});
  return {...ref, files: ref.files.map(named)};
}

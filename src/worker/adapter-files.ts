// The bytes of an adapter, from a server or the visitor's own files, and the adapter in them. Adapters are small beside a
// model: they are read whole, and kept by the browser's HTTP cache.
import type {Adapter, BaseModel} from '../adapters/adapter.ts';
import {readGgufAdapter} from '../adapters/gguf-adapter.ts';
import {readPeftAdapter} from '../adapters/peft-adapter.ts';
import {GemmaError, isAbort} from '../errors.ts';
import type {ByteSource} from '../gguf/byte-source.ts';
import type {AdapterRef} from '../protocol/messages.ts';
import {parseIntegrity} from '../store/hash/integrity.ts';
import {blobSource} from '../store/sources/blob-source.ts';
import {memorySource} from '../store/sources/memory-source.ts';
import {verifyFile} from './open-model.ts';

/** More than the values that an adapter may have take in a file. */
const MAX_BYTES = 2 ** 30;
const CONFIG = 'adapter_config.json';
const SAFETENSORS = /\.safetensors$/i;

/**
 * Reads an adapter for this model.
 * @throws GemmaError `adapter-invalid`, `network`, `http-status`, `integrity-mismatch`, `option-invalid`, the readers'; AbortError
 */
export async function readAdapter(ref: AdapterRef, base: BaseModel, signal: AbortSignal): Promise<Adapter> {
  const {weights, config} = await openFiles(ref, signal);
  if (ref.integrity !== undefined) await verifyFile(weights, parseIntegrity(ref.integrity), signal);
  return config ? readPeftAdapter(weights, config, base, signal) : readGgufAdapter(weights, base, signal);
}

async function openFiles(
  ref: AdapterRef,
  signal: AbortSignal,
): Promise<{weights: ByteSource; config: ByteSource | null}> {
  if ('url' in ref) {
    const {pathname} = new URL(ref.url);
    const peft = SAFETENSORS.test(pathname);
    const [weights, config] = await Promise.all([
      fetched(ref.url, signal),
      peft ? fetched(new URL(CONFIG, ref.url).href, signal) : null,
    ]);
    return {weights, config};
  }
  for (const {name, blob} of ref.files) {
    if (blob.size > MAX_BYTES) throw tooLarge(name, blob.size);
  }
  const config = ref.files.find(({name}) => name === CONFIG);
  const others = ref.files.filter((file) => file !== config);
  if (others.length !== 1 || SAFETENSORS.test(others[0].name) !== (config !== undefined)) {
    const names = ref.files.map(({name}) => name).join(', ');
    throw new GemmaError(
      'adapter-invalid',
      `found ${names}; expected one GGUF file, or a file of safetensors and its ${CONFIG}`,
      {detail: {files: names}},
    );
  }
  const source = ({blob, name}: (typeof others)[number]) => blobSource(blob, name);
  return {weights: source(others[0]), config: config ? source(config) : null};
}

async function fetched(url: string, signal: AbortSignal): Promise<ByteSource> {
  const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1) || url);
  try {
    const response = await fetch(url, {signal});
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new GemmaError(
        'http-status',
        `${name}: the server answered ${response.status} ${response.statusText}. Check the address of the adapter`,
        {detail: {url, status: response.status}},
      );
    }
    return memorySource(await bytesOf(response.body, name), name);
  } catch (error) {
    if (error instanceof GemmaError || isAbort(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new GemmaError('network', `${name} could not be fetched (${reason}). Check the connection and load again`, {
      detail: {url},
      cause: error,
    });
  }
}

async function bytesOf(body: ReadableStream<Uint8Array>, name: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_BYTES) {
      await reader.cancel();
      throw tooLarge(name, size);
    }
    pieces.push(value);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function tooLarge(name: string, bytes: number): GemmaError {
  return new GemmaError('adapter-invalid', `${name} has ${bytes} bytes or more; at most ${MAX_BYTES} are accepted`, {
    detail: {bytes, most: MAX_BYTES},
  });
}

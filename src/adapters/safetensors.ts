// Reads the header of a safetensors file: 8 bytes with the length of a JSON object, that object, then the tensors' bytes.
// Every length, name, type, shape and range is checked. Reads no tensor data.
import type {ByteSource} from '../gguf/byte-source.ts';
import type {GgmlTypeName} from '../gguf/ggml-types.ts';
import {invalid} from './adapter.ts';

export interface SafeTensor {
  readonly name: string;
  readonly type: GgmlTypeName;
  /** Slowest dimension first, as in PyTorch. */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

const MAX_HEADER_BYTES = 16 * 2 ** 20;
const MAX_TENSORS = 2 ** 16;
const MAX_DIMENSIONS = 4;
const TYPES: Readonly<Record<string, {type: GgmlTypeName; bytes: number}>> = {
  F32: {type: 'F32', bytes: 4},
  F16: {type: 'F16', bytes: 2},
  BF16: {type: 'BF16', bytes: 2},
};

/** @throws GemmaError `adapter-invalid`, or the source's own; AbortError when `signal` aborts */
export async function readSafetensors(source: ByteSource, signal?: AbortSignal): Promise<Map<string, SafeTensor>> {
  const {name, size} = source;
  if (size < 8) throw invalid(name, `has ${size} bytes; expected a safetensors file`);
  const start = await source.read(0, 8, signal);
  const length = Number(new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true));
  if (length < 2 || length > MAX_HEADER_BYTES || length > size - 8) {
    throw invalid(name, `announces a header of ${length} bytes; it is no safetensors file, or damaged`);
  }
  const entries = Object.entries(parse(name, await source.read(8, length, signal)));
  if (entries.length > MAX_TENSORS)
    throw invalid(name, `has ${entries.length} tensors; at most ${MAX_TENSORS} are accepted`);
  const tensors = new Map<string, SafeTensor>();
  for (const [key, entry] of entries) {
    if (key !== '__metadata__') tensors.set(key, readEntry(name, key, entry, 8 + length, size));
  }
  return tensors;
}

function parse(name: string, bytes: Uint8Array): object {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(bytes));
  } catch {
    throw invalid(name, 'its header is no JSON; the file is damaged');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw invalid(name, 'its header is no JSON object');
  }
  return header;
}

function readEntry(file: string, name: string, entry: unknown, dataOffset: number, size: number): SafeTensor {
  const {
    dtype,
    shape,
    data_offsets: range,
  } = (entry ?? {}) as {dtype?: unknown; shape?: unknown; data_offsets?: unknown};
  const known = typeof dtype === 'string' && Object.hasOwn(TYPES, dtype) ? TYPES[dtype] : undefined;
  if (!known) {
    throw invalid(file, `${name} is of type ${JSON.stringify(dtype)}; supported: ${Object.keys(TYPES).join(', ')}`);
  }
  if (!isCounts(shape, MAX_DIMENSIONS) || shape.includes(0)) throw invalid(file, `${name} has no usable shape`);
  if (!isCounts(range, 2) || range.length !== 2) throw invalid(file, `${name} has no usable data_offsets`);
  const [from, to] = range;
  const byteLength = shape.reduce((product, extent) => product * extent, known.bytes);
  if (to - from !== byteLength || to > size - dataOffset) {
    throw invalid(file, `${name} takes ${byteLength} bytes; its range ${from} to ${to} does not fit`);
  }
  return {name, type: known.type, shape, offset: dataOffset + from, byteLength};
}

const isCounts = (value: unknown, most: number): value is number[] =>
  Array.isArray(value) &&
  value.length <= most &&
  value.every((each) => typeof each === 'number' && Number.isSafeInteger(each) && each >= 0);

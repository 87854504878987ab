// Reads the key–value pairs of a GGUF header. Memory grows with the bytes that arrived, never with a count that
// the file merely claims.
import type {HeaderCursor} from './header-cursor.ts';
import type {GgufLimits} from './limits.ts';
import type {MetadataValue, NumberTypeName, NumericArray, ScalarTypeName} from './metadata.ts';
import {Metadata} from './metadata.ts';
import {PackedStrings} from './packed-strings.ts';

// Ids by position: 0 is u8, 12 is f64.
const VALUE_TYPES = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64',
] as const satisfies readonly (ScalarTypeName | 'array')[];

// A string is at least its length.
const MIN_BYTES: Readonly<Record<ScalarTypeName, number>> = {
  u8: 1,
  i8: 1,
  bool: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  u64: 8,
  i64: 8,
  f64: 8,
  string: 8,
};

// WebGPU's platforms are little-endian, as the file is, so a typed array over the bytes is the values.
const TYPED_ARRAYS = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f64: Float64Array,
} as const;

// Key, value type, and the smallest value: 8 + 1 + 4 + 1.
export const MIN_ENTRY_BYTES = 14;

const strict = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
const lenient = new TextDecoder('utf-8', {ignoreBOM: true});

/** @throws GemmaError `gguf-invalid` or `gguf-truncated`, naming the key. */
export async function readMetadata(cursor: HeaderCursor, count: number, limits: GgufLimits): Promise<Metadata> {
  const values = new Map<string, MetadataValue>();
  await readEntries(cursor, count, limits, values);
  return new Metadata(values);
}

/** The same, entry by entry into `values`, which holds what came before an error. */
export async function readEntries(
  cursor: HeaderCursor,
  count: number,
  limits: GgufLimits,
  values: Map<string, MetadataValue>,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    cursor.where = `metadata entry ${i + 1} of ${count}`;
    const key = await readName(cursor, limits, 'key');
    cursor.where = `metadata key ${key}`;
    if (values.has(key)) throw cursor.invalid('is there twice', {key});
    if (cursor.available < 4) await cursor.fill(4);
    values.set(key, await readValue(cursor, valueType(cursor, cursor.u32()), limits));
  }
}

/** A metadata key or a tensor name: not empty, valid UTF-8. */
export async function readName(cursor: HeaderCursor, limits: GgufLimits, what: string): Promise<string> {
  const bytes = await readBytes(cursor, limits.keyBytes, what);
  if (bytes.length === 0) throw cursor.invalid(`has an empty ${what}`);
  try {
    return strict.decode(bytes);
  } catch {
    throw cursor.invalid(`has a ${what} that is not valid UTF-8: ${lenient.decode(bytes.subarray(0, 60))}`);
  }
}

/** A length and as many bytes, as a view. */
async function readBytes(cursor: HeaderCursor, limit: number, what: string): Promise<Uint8Array> {
  if (cursor.available < 8) await cursor.fill(8);
  const length = cursor.count(`${what} length`);
  if (length > limit) throw cursor.invalid(`has a ${what} of ${length} bytes; at most ${limit} are accepted`);
  if (cursor.available < length) await cursor.fill(length);
  return cursor.take(length);
}

function valueType(cursor: HeaderCursor, id: number): ScalarTypeName | 'array' {
  const type = VALUE_TYPES[id];
  if (!type) throw cursor.invalid(`has the value type ${id}; known are 0 to ${VALUE_TYPES.length - 1}`, {type: id});
  return type;
}

async function readValue(
  cursor: HeaderCursor,
  type: ScalarTypeName | 'array',
  limits: GgufLimits,
): Promise<MetadataValue> {
  if (type === 'array') return readArray(cursor, limits);
  if (type === 'string') {
    // Not strict: a damaged name or template should not keep the weights from loading.
    return {type, value: lenient.decode(await readBytes(cursor, limits.stringBytes, 'string'))};
  }
  if (cursor.available < MIN_BYTES[type]) await cursor.fill(MIN_BYTES[type]);
  if (type === 'bool') {
    const byte = cursor.u8();
    requireBool(cursor, byte);
    return {type, value: byte === 1};
  }
  return {type, value: exact(cursor[type]())};
}

/** A bigint as a number where that loses nothing. */
function exact(value: number | bigint): number | bigint {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

async function readArray(cursor: HeaderCursor, limits: GgufLimits): Promise<MetadataValue> {
  if (cursor.available < 12) await cursor.fill(12);
  const of = valueType(cursor, cursor.u32());
  if (of === 'array') throw cursor.invalid('is an array of arrays, which no model uses');
  const length = cursor.count('array length');
  if (length > limits.arrayLength) {
    throw cursor.invalid(`has ${length} elements; at most ${limits.arrayLength} are accepted`);
  }
  cursor.requireLeft(length * MIN_BYTES[of]);
  if (of === 'string') return {type: 'array', of, value: await readStrings(cursor, length, limits)};

  await cursor.fill(length * MIN_BYTES[of]);
  const bytes = cursor.take(length * MIN_BYTES[of]).slice();
  if (of !== 'bool') return {type: 'array', of, value: typedArray(of, bytes)};
  for (const byte of bytes) requireBool(cursor, byte);
  return {type: 'array', of, value: bytes};
}

function typedArray(of: NumberTypeName, bytes: Uint8Array): NumericArray | BigUint64Array | BigInt64Array {
  return new TYPED_ARRAYS[of](bytes.buffer as ArrayBuffer);
}

function requireBool(cursor: HeaderCursor, byte: number): void {
  if (byte > 1) throw cursor.invalid(`has a boolean of value ${byte}; expected 0 or 1`);
}

/** Packs as it reads, in buffers that double, so that a false count costs nothing. */
async function readStrings(cursor: HeaderCursor, length: number, limits: GgufLimits): Promise<PackedStrings> {
  let offsets = new Uint32Array(Math.min(length, 1024) + 1);
  let bytes = new Uint8Array(8192);
  let end = 0;
  for (let i = 0; i < length; i++) {
    if (cursor.available < 8) await cursor.fill(8);
    const size = cursor.count('string length');
    if (size > limits.stringBytes) {
      throw cursor.invalid(`has a string of ${size} bytes at ${i}; at most ${limits.stringBytes} are accepted`);
    }
    if (cursor.available < size) await cursor.fill(size);
    if (end + size > bytes.length) bytes = grow(bytes, new Uint8Array(Math.max(end + size, bytes.length * 2)));
    bytes.set(cursor.take(size), end);
    end += size;
    if (i + 2 > offsets.length) {
      offsets = grow(offsets, new Uint32Array(Math.min(length + 1, offsets.length * 2)));
    }
    offsets[i + 1] = end;
  }
  return new PackedStrings(bytes.slice(0, end), offsets);
}

function grow<T extends Uint8Array | Uint32Array>(old: T, next: T): T {
  next.set(old);
  return next;
}

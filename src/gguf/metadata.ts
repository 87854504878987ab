// GGUF metadata behind typed getters. Writers disagree on integer widths and on scalar or array, so the getters
// are lenient there and strict otherwise. Knows no key.
import {GemmaError} from '../errors.ts';
import {PackedStrings} from './packed-strings.ts';

export {PackedStrings};

export type IntegerTypeName = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64';
export type NumberTypeName = IntegerTypeName | 'f32' | 'f64';
export type ScalarTypeName = NumberTypeName | 'bool' | 'string';

/** A numeric array whose every element is a JS number. */
export type NumericArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** One value as the file has it. A 64-bit integer is a bigint only where a number would not hold it exactly. */
export type MetadataValue =
  | {readonly type: NumberTypeName; readonly value: number | bigint}
  | {readonly type: 'bool'; readonly value: boolean}
  | {readonly type: 'string'; readonly value: string}
  | {readonly type: 'array'; readonly of: NumberTypeName; readonly value: NumericArray | BigUint64Array | BigInt64Array}
  /** One byte an element, 0 or 1. */
  | {readonly type: 'array'; readonly of: 'bool'; readonly value: Uint8Array}
  | {readonly type: 'array'; readonly of: 'string'; readonly value: PackedStrings};

/**
 * The key–value pairs of a GGUF header. A getter with a `fallback` returns it for a missing key and for nothing else.
 * Every getter throws GemmaError `config-invalid` for a missing key or a value of the wrong type.
 */
export class Metadata {
  readonly #values: ReadonlyMap<string, MetadataValue>;

  constructor(values: ReadonlyMap<string, MetadataValue>) {
    this.#values = values;
  }

  get size(): number {
    return this.#values.size;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  isArray(key: string): boolean {
    return this.#values.get(key)?.type === 'array';
  }

  /** In file order. */
  keys(): IterableIterator<string> {
    return this.#values.keys();
  }

  /** The value as the file has it, or undefined. */
  raw(key: string): MetadataValue | undefined {
    return this.#values.get(key);
  }

  string(key: string, fallback?: string): string {
    const found = this.#values.get(key);
    if (!found && fallback !== undefined) return fallback;
    if (found?.type !== 'string') throw mismatch(key, found, 'a string');
    return found.value;
  }

  /** An exact integer of any width, also from a float that holds one (some converters write counts as f32). */
  integer(key: string, fallback?: number): number {
    const found = this.#values.get(key);
    if (!found && fallback !== undefined) return fallback;
    const value = scalarNumber(found);
    if (value === undefined || !Number.isSafeInteger(value))
      throw mismatch(key, found, 'an integer of at most 53 bits');
    return value;
  }

  /** A float or an integer of any width; never NaN or infinite. */
  number(key: string, fallback?: number): number {
    const found = this.#values.get(key);
    if (!found && fallback !== undefined) return fallback;
    const value = scalarNumber(found);
    if (value === undefined || !Number.isFinite(value)) throw mismatch(key, found, 'a finite number');
    return value;
  }

  boolean(key: string, fallback?: boolean): boolean {
    const found = this.#values.get(key);
    if (!found && fallback !== undefined) return fallback;
    if (found?.type !== 'bool') throw mismatch(key, found, 'a boolean');
    return found.value;
  }

  /** `count` finite numbers from an array of that length, or from a scalar that stands for all of them. */
  numbers(key: string, count: number, fallback?: number): number[] {
    const found = this.#values.get(key);
    if (found ? found.type !== 'array' : fallback !== undefined) {
      return new Array<number>(count).fill(this.number(key, fallback));
    }
    const expected = `a finite number or an array of ${count}`;
    const values = numericArray(found);
    if (!values || values.length !== count || !values.every(Number.isFinite)) throw mismatch(key, found, expected);
    return Array.from(values);
  }

  /** As `numbers`, for exact integers. */
  integers(key: string, count: number, fallback?: number): number[] {
    const values = this.numbers(key, count, fallback);
    if (!values.every(Number.isSafeInteger)) {
      throw mismatch(key, this.#values.get(key), `an integer or an array of ${count}`);
    }
    return values;
  }

  /** `count` booleans from an array of booleans or of integers (0 is false), or from a boolean that stands for all. */
  booleans(key: string, count: number, fallback?: boolean): boolean[] {
    const found = this.#values.get(key);
    if (found ? found.type !== 'array' : fallback !== undefined) {
      return new Array<boolean>(count).fill(this.boolean(key, fallback));
    }
    const values = found?.type === 'array' && found.of === 'bool' ? found.value : numericArray(found);
    if (!values || values.length !== count) throw mismatch(key, found, `a boolean or an array of ${count}`);
    return Array.from(values, (value) => value !== 0);
  }

  /** A numeric array of any length; 64-bit integers come as f64 if every one fits. */
  numericArray(key: string): NumericArray {
    const found = this.#values.get(key);
    const values = numericArray(found);
    if (!values) throw mismatch(key, found, 'an array of numbers of at most 53 bits');
    return values;
  }

  /** A string array of any length, still packed. */
  strings(key: string): PackedStrings {
    const found = this.#values.get(key);
    if (found?.type !== 'array' || found.of !== 'string') throw mismatch(key, found, 'an array of strings');
    return found.value;
  }
}

function scalarNumber(found: MetadataValue | undefined): number | undefined {
  if (!found || found.type === 'array' || typeof found.value !== 'number') return undefined;
  return found.value;
}

function numericArray(found: MetadataValue | undefined): NumericArray | undefined {
  if (found?.type !== 'array' || found.of === 'string' || found.of === 'bool') return undefined;
  if (!(found.value instanceof BigUint64Array || found.value instanceof BigInt64Array)) return found.value;
  const values = Float64Array.from(found.value, Number);
  return values.every(Number.isSafeInteger) ? values : undefined;
}

/** What a value is, for a message: `u32 26`, `array of 3 f32`, `missing`. */
function describe(found: MetadataValue | undefined): string {
  if (!found) return 'missing';
  if (found.type === 'array') return `an array of ${found.value.length} ${found.of}`;
  const text = String(found.value);
  return `${found.type} ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}

function mismatch(key: string, found: MetadataValue | undefined, expected: string): GemmaError {
  const description = describe(found);
  return new GemmaError(
    'config-invalid',
    `metadata key ${key} is ${description}; expected ${expected}. The file was not made for this model, or is damaged`,
    {detail: {key, found: description, expected}},
  );
}

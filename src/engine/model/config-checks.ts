// Bounds for what a file's metadata claims, so that nothing is allocated for a number that no model has. Knows no key.
import {GemmaError} from '../../errors.ts';
import type {Metadata} from '../../gguf/metadata.ts';

/** @throws GemmaError `config-invalid` unless `value` is an integer from `min` to `max`. */
export function bounded(key: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw invalid(key, value, `an integer from ${min} to ${max}`);
}

/** An integer of the metadata, checked as `bounded` does; `fallback` where the key is missing. */
export function boundedInteger(metadata: Metadata, key: string, min: number, max: number, fallback?: number): number {
  return bounded(key, metadata.integer(key, fallback), min, max);
}

/** The error for a key whose value makes no model. */
export function invalid(key: string, found: unknown, expected: string): GemmaError {
  return new GemmaError(
    'config-invalid',
    `metadata key ${key} is ${String(found)}; expected ${expected}. The file was not made for this model, or is damaged`,
    {detail: {key, found: String(found), expected}},
  );
}

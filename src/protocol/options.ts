// What values an option may have, and the error where it has another. Knows no option but those of a load; those of a
// generation are generation-options.ts's.
import {GemmaError} from '../errors.ts';
import {MAX_CONTEXT_LENGTH, type ModelOptions, TABLE_PLACEMENTS} from '../model-options.ts';
import {type Check, isBoolean, isObject, oneOf} from './check.ts';

export interface OptionSpec {
  check: Check;
  /** Reads after "expected". */
  expected: string;
}
export type OptionSpecs<T> = Readonly<Record<keyof T, OptionSpec>>;

export const booleanOption: OptionSpec = {check: isBoolean, expected: 'true or false'};
const isContextLength: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MAX_CONTEXT_LENGTH;

export const modelOptions: OptionSpecs<ModelOptions> = {
  contextLength: {check: isContextLength, expected: `an integer from 1 to ${MAX_CONTEXT_LENGTH}`},
  perLayerEmbeddings: {check: oneOf(...TABLE_PLACEMENTS), expected: TABLE_PLACEMENTS.join(' or ')},
};

/** @throws GemmaError `option-invalid` */
export function requireObject(where: string, value: unknown): asserts value is Record<string, unknown> {
  if (!isObject(value)) throw new GemmaError('option-invalid', `${where} takes an object; found ${found(value)}`);
}

/** @throws GemmaError `option-unknown`, `option-invalid`: the first that is wrong. Undefined counts as left out. */
export function checkOptions(where: string, options: unknown, specs: Readonly<Record<string, OptionSpec>>): void {
  requireObject(where, options);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(specs, name)) {
      throw new GemmaError(
        'option-unknown',
        `${where} has no option ${JSON.stringify(name)}; it has ${Object.keys(specs).join(', ')}`,
        {detail: {option: name}},
      );
    }
    const spec = specs[name];
    if (!spec.check(value)) throw unexpected(name, found(value), spec.expected);
  }
}

/** `option-invalid`: what the option `name` is, and what was expected of it. */
export function unexpected(name: string, is: string, expected: string): GemmaError {
  return new GemmaError('option-invalid', `${name} is ${is}; expected ${expected}`, {detail: {option: name}});
}

/** A value as a message can show it. */
export function found(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

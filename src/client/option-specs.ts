// Options that several of the client's methods take. Knows none of them.
import type {OptionSpec} from '../protocol/options.ts';

export type Specs = Readonly<Record<string, OptionSpec>>;

/** An option that is an AbortSignal. */
export const signalOption: OptionSpec = {
  check: (value) => value instanceof AbortSignal,
  expected: 'an AbortSignal',
};
/** An option that is a function. */
export const functionOption: OptionSpec = {check: (value) => typeof value === 'function', expected: 'a function'};

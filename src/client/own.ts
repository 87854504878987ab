// What the chunk of requests has of its entry. It imports nothing of it but types: a chunk that imported its entry would run
// it a second time where a page has loaded it under another address, and with a copy there would be two kinds of GemmaError.
import type {GemmaError} from '../errors.ts';
import type {abortError} from '../protocol/caller.ts';
import type {OptionChecks} from '../protocol/generation-options.ts';
import type {found, requireObject} from '../protocol/options.ts';
import type {leavable} from './leavable.ts';
import type {functionOption, signalOption} from './option-specs.ts';

export interface Own {
  GemmaError: typeof GemmaError;
  abortError: typeof abortError;
  checks: OptionChecks;
  found: typeof found;
  functionOption: typeof functionOption;
  leavable: typeof leavable;
  requireObject: typeof requireObject;
  signalOption: typeof signalOption;
}

export let own: Own;

/** Before anything of the chunk is called. */
export function hand(given: Own): void {
  own = given;
}

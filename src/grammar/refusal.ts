// The one error of this folder: what cannot be enforced, said when the request is made.
import {GemmaError} from '../errors.ts';

/** `grammar-invalid`. `pointer`: where in the schema, as a JSON pointer (RFC 6901). */
export function refuse(message: string, pointer?: string): GemmaError {
  if (pointer === undefined) return new GemmaError('grammar-invalid', message);
  return new GemmaError('grammar-invalid', `at ${pointer === '' ? 'the root (“”)' : pointer}: ${message}`, {
    detail: {pointer},
  });
}

/** For what grows without end, or beyond what a page may ask of a visitor's machine. */
export function tooLarge(what: string, limit: number): GemmaError {
  return new GemmaError('grammar-invalid', `the format asked for needs more than ${limit} ${what}; make it smaller`, {
    detail: {limit},
  });
}

/** Runs what recurses over a format, which may be deeper than the stack. @throws GemmaError `grammar-invalid` */
export function bounded<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) throw refuse('the format asked for is nested too deeply; make it smaller');
    throw error;
  }
}

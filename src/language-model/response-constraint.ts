// `responseConstraint`: the JSON Schema or RegExp that an answer follows, as the client's response_format, and as words for the model.
import type {ChatCompletionParams} from '../client/index.ts';
import {exception} from './platform.ts';

/** A constraint, checked as far as it can be without the model. */
export interface ResponseConstraint {
  format: NonNullable<ChatCompletionParams['response_format']>;
  /** What the model is told. */
  instruction: string;
}

/** Of a RegExp: those that change nothing about a whole text. */
const SILENT_FLAGS = /^[dguvy]*$/;

/**
 * @throws TypeError for what is no object or cannot be written as JSON, NotSupportedError for a RegExp's flags. What of a schema or a
 *   pattern cannot be enforced is refused by the worker, as NotSupportedError
 */
export function responseConstraint(value: unknown): ResponseConstraint {
  if (typeof value !== 'object' || value === null)
    throw new TypeError('responseConstraint is neither an object nor a RegExp');
  if (value instanceof RegExp) {
    const {source, flags} = value;
    if (!SILENT_FLAGS.test(flags)) throw exception('NotSupportedError', `responseConstraint has the flags ${flags}`);
    return {format: {type: 'regex', regex: source}, instruction: `Answer with a text that matches ${value}`};
  }
  const json = JSON.stringify(value);
  if (json === undefined) throw new TypeError('responseConstraint cannot be written as JSON');
  const schema = JSON.parse(json) as Record<string, unknown>;
  return {
    format: {type: 'json_schema', json_schema: {name: 'answer', schema}},
    instruction: `Answer in JSON that conforms to this schema: ${json}`,
  };
}

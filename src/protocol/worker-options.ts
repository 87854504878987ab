// The options of generations, made once for the worker's side; the page's are a chunk of the client's.
import {arrayOf, isBoolean, isNumber, isObject, isString, oneOf, optional, shaped} from './check.ts';
import {generationSpecs} from './generation-options.ts';

export const generationOptions = generationSpecs({
  arrayOf,
  isBoolean,
  isNumber,
  isObject,
  isString,
  oneOf,
  optional,
  shaped,
});

// A JSON Schema as it was given: its size, its places by JSON pointer, and what each may say. Knows no grammar.
import {refuse, tooLarge} from './refusal.ts';

/** Values of a schema, and its levels. */
const MAX_VALUES = 200_000;
const MAX_DEPTH = 256;

export type SchemaObject = Readonly<Record<string, unknown>>;

/** A schema, where it stands, and the references that led there. */
export interface Located {
  readonly schema: unknown;
  readonly pointer: string;
  readonly trail: readonly string[];
}

export const TYPES = ['null', 'boolean', 'number', 'string', 'array', 'object'] as const;
export type TypeName = (typeof TYPES)[number];

/** Keywords that would have to hold and cannot be enforced token by token. `then` and `else` say nothing without `if`. */
const REFUSED: Readonly<Record<string, string>> = {
  if: 'conditions',
  dependentRequired: 'dependencies between properties',
  dependentSchemas: 'dependencies between properties',
  dependencies: 'dependencies between properties',
  contains: 'what an array contains somewhere',
  unevaluatedProperties: 'what other schemas have left over',
  unevaluatedItems: 'what other schemas have left over',
  $dynamicRef: 'dynamic references',
  $recursiveRef: 'dynamic references',
};

/** The schema of one request. */
export class SchemaDocument {
  readonly root: Located;
  readonly #anchors = new Map<string, Located>();

  /** @throws GemmaError `grammar-invalid` for one that is too large, too deep, or no JSON */
  constructor(schema: unknown) {
    this.root = {schema, pointer: '', trail: []};
    this.#measure(schema);
  }

  /** @throws GemmaError `grammar-invalid` for a reference to another document, or to nothing */
  target(reference: unknown, from: Located): Located {
    const at = `${from.pointer}/$ref`;
    if (typeof reference !== 'string' || !reference.startsWith('#')) {
      throw refuse(`$ref is ${show(reference)}; expected one within the schema, as "#/$defs/name"`, at);
    }
    if (from.trail.includes(reference)) throw refuse(`${reference} refers to itself before any value begins`, at);
    const trail = [...from.trail, reference];
    const anchored = this.#anchors.get(reference.slice(1));
    if (anchored) return {...anchored, trail};
    let name: string;
    try {
      name = decodeURIComponent(reference.slice(1));
    } catch {
      throw refuse(`$ref ${show(reference)} is not well-formed`, at);
    }
    let schema = this.root.schema;
    for (const part of name.split('/').slice(1)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const known = typeof schema === 'object' && schema !== null && Object.hasOwn(schema, key);
      if (!known) throw refuse(`$ref ${show(reference)} leads nowhere`, at);
      schema = (schema as Record<string, unknown>)[key];
    }
    if (name !== '' && !name.startsWith('/')) throw refuse(`$ref ${show(reference)} leads nowhere`, at);
    return {schema, pointer: name, trail};
  }

  #measure(schema: unknown): void {
    let count = 0;
    const open: {value: unknown; depth: number; pointer: string}[] = [{value: schema, depth: 0, pointer: ''}];
    for (let next = open.pop(); next; next = open.pop()) {
      const {value, depth, pointer} = next;
      if (++count > MAX_VALUES) throw tooLarge('values in its schema', MAX_VALUES);
      if (typeof value !== 'object' || value === null) continue;
      if (depth > MAX_DEPTH) throw refuse(`the schema is nested deeper than ${MAX_DEPTH} levels`, pointer);
      const anchor = (value as SchemaObject).$anchor;
      if (typeof anchor === 'string') this.#anchors.set(anchor, {schema: value, pointer, trail: []});
      for (const [key, each] of Object.entries(value)) {
        open.push({value: each, depth: depth + 1, pointer: child(pointer, key)});
      }
    }
  }
}

/** The pointer of something within. */
export function child(pointer: string, ...keys: readonly (string | number)[]): string {
  return keys.reduce<string>(
    (path, key) => `${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    pointer,
  );
}

/** A schema within another one. */
export function within({pointer}: Located, schema: unknown, ...keys: readonly (string | number)[]): Located {
  return {schema, pointer: child(pointer, ...keys), trail: []};
}

/** The schema as an object without what it may not say. @throws GemmaError `grammar-invalid` */
export function asSchema({schema, pointer}: Located): SchemaObject {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw refuse(`a schema is ${show(schema)}; expected an object, true or false`, pointer);
  }
  const object = schema as SchemaObject;
  for (const [keyword, what] of Object.entries(REFUSED)) {
    if (!Object.hasOwn(object, keyword) || (keyword.startsWith('unevaluated') && object[keyword] === true)) continue;
    throw refuse(
      `${keyword} cannot be enforced: ${what}. Leave it out and check the answer for it`,
      child(pointer, keyword),
    );
  }
  if (object.uniqueItems === true) {
    throw refuse(
      'uniqueItems cannot be enforced. Leave it out and check the answer for it',
      child(pointer, 'uniqueItems'),
    );
  }
  return object;
}

/** A list of schemas that a keyword has. @throws GemmaError `grammar-invalid` */
export function listOf(schema: SchemaObject, keyword: string, at: Located): Located[] {
  const list = schema[keyword];
  if (!Array.isArray(list) || list.length === 0) {
    throw refuse(`${keyword} is ${show(list)}; expected a list of schemas`, child(at.pointer, keyword));
  }
  return list.map((each, i) => ({...within(at, each, keyword, i), trail: at.trail}));
}

/** A keyword's number, or undefined. @throws GemmaError `grammar-invalid` */
export function numberOf(schema: SchemaObject, keyword: string, at: Located): number | undefined {
  const value = schema[keyword];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw refuse(`${keyword} is ${show(value)}; expected a number`, child(at.pointer, keyword));
}

/** A keyword's whole number of 0 or more, or undefined. @throws GemmaError `grammar-invalid` */
export function countOf(schema: SchemaObject, keyword: string, at: Located): number | undefined {
  const value = numberOf(schema, keyword, at);
  if (value === undefined || (Number.isInteger(value) && value >= 0)) return value;
  throw refuse(`${keyword} is ${value}; expected a whole number, 0 or more`, child(at.pointer, keyword));
}

/** A keyword's object, or an empty one. @throws GemmaError `grammar-invalid` */
export function objectOf(schema: SchemaObject, keyword: string, at: Located): SchemaObject {
  const value = schema[keyword];
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as SchemaObject;
  throw refuse(`${keyword} is ${show(value)}; expected an object`, child(at.pointer, keyword));
}

/** A value as a message can show it. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** JSON's type of a value. */
export function typeOf(value: unknown): TypeName {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as TypeName;
}

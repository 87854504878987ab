// JSON Schemas of tools as libraries write them (zod, Pydantic, TypeBox), made plain: what chat templates read has one type
// a value, no references and no alternatives. Knows no template.
import {GemmaError} from '../errors.ts';
import type {PlainObject, PlainValue} from './plain-value.ts';

/** Larger schemas are no tool that a model could read, and a reference that doubles at each level would grow without end. */
const MAX_VALUES = 20_000;
/** Levels of a schema; what is deeper, as in one that refers to itself, is left open. */
const MAX_DEPTH = 24;

/** Keywords that plain schemas do without: they are resolved, or say nothing to a model. */
const LEFT_OUT = new Set(
  '$schema $id $ref $defs definitions title anyOf oneOf allOf not const nullable additionalProperties patternProperties propertyNames prefixItems'.split(
    ' ',
  ),
);

/**
 * The schema of a tool's parameters: `type`, `properties`, `required`, and in them `description`, `type`, `enum`, `items`,
 * `nullable`; further keywords as they are.
 * @throws GemmaError `option-invalid` where it is larger than any tool's
 */
export function plainParameters(schema: object): PlainObject {
  const plain = new SchemaReader(schema).read(schema, 0);
  return {...plain, type: 'object'};
}

class SchemaReader {
  readonly #root: object;
  /** References that lead to where it reads: one that leads there again is left open. */
  readonly #path: string[] = [];
  #count = 0;

  constructor(root: object) {
    this.#root = root;
  }

  read(schema: unknown, depth: number): PlainObject {
    const outside = this.#path.length;
    const {resolved, nullable} = this.#resolve(schema, depth);
    const plain: PlainObject = {};
    for (const [key, value] of Object.entries(resolved)) {
      if (LEFT_OUT.has(key) || value === undefined) continue;
      if (key === 'properties') plain.properties = this.#properties(value, depth);
      else if (key === 'items') plain.items = this.read(Array.isArray(value) ? value[0] : value, depth + 1);
      else if (key === 'required') plain.required = strings(value);
      else if (key === 'enum') plain.enum = Array.isArray(value) ? this.#values(value) : [];
      else if (key === 'description') plain.description = String(value ?? '');
      else plain[key] = this.#copy(value, depth);
    }
    if (Object.hasOwn(resolved, 'const')) plain.enum = this.#values([resolved.const]);
    const types = Array.isArray(resolved.type) ? strings(resolved.type) : strings([resolved.type]);
    const values = Array.isArray(plain.enum) ? plain.enum : null;
    if (values?.includes(null)) plain.enum = values.filter((value) => value !== null);
    plain.type = types.find((type) => type !== 'null') ?? guessType(plain, resolved);
    if (nullable || types.includes('null') || values?.includes(null) || resolved.nullable === true) {
      plain.nullable = true;
    }
    // Without the key, Gemma's templates take the schema's other keywords for properties.
    if (plain.type === 'object') plain.properties ??= {};
    this.#path.length = outside;
    return plain;
  }

  #properties(value: unknown, depth: number): PlainObject {
    const plain: [string, PlainObject][] = [];
    for (const [name, schema] of Object.entries(asObject(value))) plain.push([name, this.read(schema, depth + 1)]);
    return Object.fromEntries(plain);
  }

  /** The schema with what it refers to, all that it must be, and the first of what it may be. */
  #resolve(schema: unknown, depth: number): {resolved: Record<string, unknown>; nullable: boolean} {
    let resolved = asObject(schema);
    let nullable = false;
    if (depth >= MAX_DEPTH) return {resolved: pick(resolved, ['description', 'type']), nullable};
    const merge = (part: unknown): void => {
      const inner = this.#resolve(part, depth + 1);
      nullable ||= inner.nullable;
      resolved = this.#merged(inner.resolved, resolved);
    };
    this.#take();
    const reference = resolved.$ref;
    if (typeof reference === 'string') {
      const target = this.#target(reference);
      const again = this.#path.includes(reference);
      this.#path.push(reference);
      merge(again ? pick(asObject(target), ['description', 'type']) : target);
    }
    if (Array.isArray(resolved.allOf)) for (const part of resolved.allOf.slice(0, 100)) merge(part);
    const choices = Array.isArray(resolved.anyOf) ? resolved.anyOf : resolved.oneOf;
    if (Array.isArray(choices)) {
      const parts = choices.slice(0, 100).map((part) => this.#resolve(part, depth + 1));
      const some = parts.filter((part) => part.resolved.type !== 'null');
      nullable ||= some.length < choices.length || some.some((part) => part.nullable);
      if (some.length > 0) resolved = this.#merged(oneOfAll(some.map((part) => part.resolved)), resolved);
    }
    return {resolved, nullable};
  }

  /** Each merge copies what is there so far, so that it counts. */
  #merged(part: Record<string, unknown>, whole: Record<string, unknown>): Record<string, unknown> {
    const both = merged(part, whole);
    if (part.properties && whole.properties) this.#take(Object.keys(asObject(both.properties)).length);
    if (part.required && whole.required) this.#take(strings(both.required).length);
    return both;
  }

  /** `#/…` within the schema; what is not there is any value. */
  #target(reference: string): unknown {
    if (!reference.startsWith('#')) return {};
    let value: unknown = this.#root;
    for (const step of reference.slice(1).split('/').slice(1, MAX_DEPTH)) {
      const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
      const inside = asObject(value);
      value = Object.hasOwn(inside, name) ? inside[name] : undefined;
    }
    return value;
  }

  /** What an enum lists: objects and lists are written as JSON. */
  #values(list: readonly unknown[]): PlainValue[] {
    return list.map((value) => {
      const copy = this.#copy(value, 0);
      return typeof copy === 'object' && copy !== null ? JSON.stringify(copy) : copy;
    });
  }

  #copy(value: unknown, depth: number): PlainValue {
    this.#take();
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
    if (typeof value === 'number') return Number.isFinite(value) ? value : null;
    if (typeof value !== 'object' || depth >= MAX_DEPTH) return String(value);
    if (Array.isArray(value)) return value.map((each) => this.#copy(each, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#copy(each, depth + 1)]));
  }

  #take(values = 1): void {
    this.#count += values;
    if (this.#count <= MAX_VALUES) return;
    throw new GemmaError('option-invalid', `tools has a schema of more than ${MAX_VALUES} values`, {
      detail: {option: 'tools'},
    });
  }
}

/** What the whole says stands above what a part of it says; properties and required ones of both count. */
function merged(part: Record<string, unknown>, whole: Record<string, unknown>): Record<string, unknown> {
  const both: Record<string, unknown> = {...part, ...whole};
  if (part.properties && whole.properties) {
    both.properties = {...asObject(part.properties), ...asObject(whole.properties)};
  }
  if (part.required && whole.required) both.required = [...strings(part.required), ...strings(whole.required)];
  return both;
}

/** One schema for several that a value may have: their constants together, else the first one. */
function oneOfAll(schemas: readonly Record<string, unknown>[]): Record<string, unknown> {
  const values = schemas.map((schema) => (Object.hasOwn(schema, 'const') ? [schema.const] : schema.enum));
  if (schemas.length < 2 || !values.every(Array.isArray)) return schemas[0];
  const {const: _, description: __, ...first} = schemas[0];
  return {...first, enum: values.flat()};
}

function guessType(plain: PlainObject, {prefixItems}: Record<string, unknown>): string {
  if (plain.properties) return 'object';
  if (plain.items || prefixItems) return 'array';
  const [value] = Array.isArray(plain.enum) ? plain.enum : [];
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'boolean' ? 'boolean' : 'string';
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function pick(object: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(object, key) ? [[key, object[key]]] : [])));
}

// What a JSON Schema allows, as a list of shapes: alternatives and references are resolved, and what several schemas say about
// one value is one. A schema within a shape is not looked into: a schema may contain itself. Knows no grammar.
import {FORMATS, SILENT_FORMATS} from './formats.ts';
import type {NumberBounds} from './numbers.ts';
import {refuse, tooLarge} from './refusal.ts';
import {
  asSchema,
  child,
  countOf,
  type Located,
  listOf,
  numberOf,
  objectOf,
  type SchemaDocument,
  type SchemaObject,
  show,
  TYPES,
  type TypeName,
  within,
} from './schema-document.ts';

/** Alternatives of one value, and of all. */
const MAX_SHAPES = 5000;
const MAX_OPTIONS = 4096;
const MAX_SHAPES_IN_ALL = 50_000;

/** A name's pattern, and the schema of values with such a name. */
interface NamePattern {
  source: string;
  schema: Located;
}

/** What one of several schemas says about the properties of an object. */
export interface ObjectPart {
  names: ReadonlyMap<string, Located>;
  patterns: readonly NamePattern[];
  /** Of other names. `open`: it says nothing; `closed`: it says nothing, and names some; false: there are none. */
  others: Located | false | 'open' | 'closed';
}

/** Alternatives that a value of some types has. All that it says holds. */
export interface Shape {
  /** Of the first of the schemas. */
  readonly pointer: string;
  readonly schemas: readonly Located[];
  readonly types: ReadonlySet<TypeName>;
  /** The only values, not looked at yet for what else holds. */
  readonly values: readonly unknown[] | null;
  readonly numbers: NumberBounds & {multipleAt: string};
  readonly text: {low: number; high: number; patterns: {source: string; whole: boolean; pointer: string}[]};
  readonly list: {prefixes: readonly Located[][]; rests: readonly (Located | false)[]; low: number; high: number};
  readonly object: {
    parts: readonly ObjectPart[];
    required: ReadonlySet<string>;
    names: readonly Located[];
    low: number;
    high: number;
  };
}

/** Decides whether shapes can have no value in common. */
export type Disjoint = (a: Shape, b: Shape) => boolean;

interface Flat {
  simple: Located[];
  choices: {options: Located[]; exclusive: string | null}[];
}

/** Reads schemas. */
export class ShapeReader {
  readonly #document: SchemaDocument;
  readonly #disjoint: Disjoint;
  #count = 0;

  constructor(document: SchemaDocument, disjoint: Disjoint) {
    this.#document = document;
    this.#disjoint = disjoint;
  }

  /** The shapes of a value that fulfils all of the schemas; none where nothing does. @throws GemmaError `grammar-invalid` */
  shapes(schemas: readonly Located[]): Shape[] {
    const shapes: Shape[] = [];
    const open: Flat[] = [];
    const begin = this.#flatten(schemas);
    if (begin) open.push(begin);
    for (let flat = open.pop(); flat; flat = open.pop()) {
      const [choice, ...choices] = flat.choices;
      if (!choice) {
        const shape = this.#merge(flat.simple);
        if (shape) shapes.push(shape);
        if (shapes.length > MAX_SHAPES) throw tooLarge('alternatives', MAX_SHAPES);
        if (++this.#count > MAX_SHAPES_IN_ALL) throw tooLarge('alternatives', MAX_SHAPES_IN_ALL);
        continue;
      }
      const {simple} = flat;
      if (choice.options.length > MAX_OPTIONS) throw tooLarge('alternatives at one place', MAX_OPTIONS);
      if (choice.exclusive !== null) this.#requireDisjoint(choice.options, choice.exclusive, simple);
      // Backwards, so that the first alternative comes off first.
      for (const option of choice.options.toReversed()) {
        const more = this.#flatten([option]);
        if (more) open.push({simple: [...simple, ...more.simple], choices: [...more.choices, ...choices]});
        if (open.length > MAX_SHAPES) throw tooLarge('alternatives', MAX_SHAPES);
      }
    }
    return shapes;
  }

  /** Without references and `allOf`; null where nothing fulfils them. */
  #flatten(schemas: readonly Located[]): Flat | null {
    const flat: Flat = {simple: [], choices: []};
    const open = schemas.toReversed();
    for (let at = open.pop(); at; at = open.pop()) {
      if (at.schema === true) continue;
      if (at.schema === false) return null;
      const schema = asSchema(at);
      if (Object.hasOwn(schema, 'not') && this.#isNever(schema, at)) return null;
      flat.simple.push(at);
      if (schema.allOf !== undefined) open.push(...listOf(schema, 'allOf', at).toReversed());
      if (schema.$ref !== undefined) open.push(this.#document.target(schema.$ref, at));
      if (schema.anyOf !== undefined) flat.choices.push({options: listOf(schema, 'anyOf', at), exclusive: null});
      if (schema.oneOf !== undefined) {
        flat.choices.push({options: listOf(schema, 'oneOf', at), exclusive: child(at.pointer, 'oneOf')});
      }
    }
    return flat;
  }

  /** `not` is enforced only where it says all or nothing. */
  #isNever({not}: SchemaObject, {pointer}: Located): boolean {
    if (not === false) return false;
    if (not === true || (typeof not === 'object' && not !== null && Object.keys(not).length === 0)) return true;
    throw refuse('not cannot be enforced. Leave it out and check the answer for it', child(pointer, 'not'));
  }

  #requireDisjoint(options: readonly Located[], pointer: string, simple: readonly Located[]): void {
    const kinds = options.map((option) => this.shapes([...simple.map(withoutChoices), option]));
    if (haveDiscriminator(kinds)) return;
    if (options.length > 100) {
      throw refuse(`oneOf has ${options.length} alternatives that no property of one value each tells apart`, pointer);
    }
    for (const [i, some] of kinds.entries()) {
      for (const [j, others] of kinds.slice(i + 1).entries()) {
        if (some.every((a) => others.every((b) => this.#disjoint(a, b)))) continue;
        throw refuse(
          `oneOf cannot be enforced: alternatives ${i} and ${i + 1 + j} may have a value in common. Tell them apart by a ` +
            'required property of one value each, or use anyOf',
          pointer,
        );
      }
    }
  }

  #merge(schemas: readonly Located[]): Shape | null {
    const shape = {
      pointer: schemas[0]?.pointer ?? '',
      schemas,
      types: null as Set<TypeName> | null,
      values: null as readonly unknown[] | null,
      numbers: {
        integer: false,
        min: Number.NEGATIVE_INFINITY,
        max: Number.POSITIVE_INFINITY,
        aboveMin: false,
        belowMax: false,
        multiples: [] as number[],
        multipleAt: '',
      },
      text: {low: 0, high: Number.POSITIVE_INFINITY, patterns: [] as Shape['text']['patterns']},
      list: {
        prefixes: [] as Located[][],
        rests: [] as (Located | false)[],
        low: 0,
        high: Number.POSITIVE_INFINITY,
      },
      object: {
        parts: [] as ObjectPart[],
        required: new Set<string>(),
        names: [] as Located[],
        low: 0,
        high: Number.POSITIVE_INFINITY,
      },
    };
    const implied = new Set<TypeName>();
    for (const at of schemas) {
      const schema = at.schema as SchemaObject;
      shape.types = this.#types(schema, at, shape.types, shape.numbers);
      shape.values = values(schema, at, shape.values);
      if (readNumbers(schema, at, shape.numbers)) implied.add('number');
      if (readText(schema, at, shape.text)) implied.add('string');
      if (readList(schema, at, shape.list)) implied.add('array');
      if (readObject(schema, at, shape.object)) implied.add('object');
    }
    // A schema that speaks of properties means an object, though by the letter every number fulfils it, too.
    const types = shape.types ?? (implied.size > 0 && !shape.values ? implied : new Set(TYPES));
    if (types.size === 0 || shape.values?.length === 0) return null;
    return {...shape, types};
  }

  #types(
    schema: SchemaObject,
    at: Located,
    before: Set<TypeName> | null,
    numbers: {integer: boolean},
  ): Set<TypeName> | null {
    if (schema.type === undefined) return before;
    const names: unknown[] = Array.isArray(schema.type) ? schema.type : [schema.type];
    const types = new Set<TypeName>();
    for (const name of names) {
      if (name === 'integer') types.add('number');
      else if (TYPES.includes(name as TypeName)) types.add(name as TypeName);
      else throw refuse(`type is ${show(name)}; expected ${TYPES.join(', ')} or integer`, child(at.pointer, 'type'));
    }
    if (schema.nullable === true) types.add('null');
    if (names.includes('integer') && !names.includes('number')) numbers.integer = true;
    return before ? new Set([...types].filter((type) => before.has(type))) : types;
  }
}

function withoutChoices(at: Located): Located {
  const {oneOf: _, anyOf: __, allOf: ___, $ref: ____, ...rest} = at.schema as SchemaObject;
  return {...at, schema: rest};
}

/** Equal values have equal texts: names of objects in order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

function values(schema: SchemaObject, at: Located, before: readonly unknown[] | null): readonly unknown[] | null {
  let found = before;
  const keep = (list: readonly unknown[]): void => {
    const texts = new Set(found?.map(canonical));
    const known = new Set<string>();
    found = list.filter((value) => {
      const text = canonical(value);
      const kept = (!before || texts.has(text)) && !known.has(text);
      known.add(text);
      return kept;
    });
  };
  if (Object.hasOwn(schema, 'const')) keep([schema.const]);
  if (schema.enum === undefined) return found;
  if (!Array.isArray(schema.enum)) {
    throw refuse(`enum is ${show(schema.enum)}; expected a list of values`, child(at.pointer, 'enum'));
  }
  if (found && found !== before) {
    const texts = new Set(schema.enum.map(canonical));
    return found.filter((value) => texts.has(canonical(value)));
  }
  keep(schema.enum);
  return found;
}

function readNumbers(
  schema: SchemaObject,
  at: Located,
  numbers: {-readonly [K in keyof Shape['numbers']]: Shape['numbers'][K]},
): boolean {
  const found = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].filter(
    (keyword) => schema[keyword] !== undefined,
  );
  // Draft 4 has true and false here, beside the bound.
  const exclusive = (keyword: string): boolean => schema[keyword] === true;
  const min = numberOf(schema, 'minimum', at);
  const max = numberOf(schema, 'maximum', at);
  if (min !== undefined) raise(numbers, min, exclusive('exclusiveMinimum'));
  if (max !== undefined) lower(numbers, max, exclusive('exclusiveMaximum'));
  if (typeof schema.exclusiveMinimum !== 'boolean') {
    const above = numberOf(schema, 'exclusiveMinimum', at);
    if (above !== undefined) raise(numbers, above, true);
  }
  if (typeof schema.exclusiveMaximum !== 'boolean') {
    const below = numberOf(schema, 'exclusiveMaximum', at);
    if (below !== undefined) lower(numbers, below, true);
  }
  const multiple = numberOf(schema, 'multipleOf', at);
  if (multiple !== undefined) {
    numbers.multiples = [...numbers.multiples, multiple];
    numbers.multipleAt ||= child(at.pointer, 'multipleOf');
  }
  return found.length > 0;
}

type Bounds = {-readonly [K in keyof NumberBounds]: NumberBounds[K]};

function raise(numbers: Bounds, min: number, above: boolean): void {
  if (min < numbers.min || (min === numbers.min && !above)) return;
  numbers.min = min;
  numbers.aboveMin = above;
}

function lower(numbers: Bounds, max: number, below: boolean): void {
  if (max > numbers.max || (max === numbers.max && !below)) return;
  numbers.max = max;
  numbers.belowMax = below;
}

function readText(schema: SchemaObject, at: Located, text: Shape['text']): boolean {
  const low = countOf(schema, 'minLength', at);
  const high = countOf(schema, 'maxLength', at);
  text.low = Math.max(text.low, low ?? 0);
  text.high = Math.min(text.high, high ?? Number.POSITIVE_INFINITY);
  const {pattern, format} = schema;
  if (pattern !== undefined) {
    const pointer = child(at.pointer, 'pattern');
    if (typeof pattern !== 'string') throw refuse(`pattern is ${show(pattern)}; expected a text`, pointer);
    text.patterns.push({source: pattern, whole: false, pointer});
  }
  if (format !== undefined) {
    const pointer = child(at.pointer, 'format');
    if (typeof format === 'string' && Object.hasOwn(FORMATS, format)) {
      text.patterns.push({source: FORMATS[format], whole: true, pointer});
    } else if (
      typeof format !== 'string' ||
      (!SILENT_FORMATS.includes(format) && pattern === undefined && !isNumeric(schema))
    ) {
      const known = Object.keys(FORMATS).join(', ');
      throw refuse(`format ${show(format)} cannot be enforced; supported: ${known}. Or say it as a pattern`, pointer);
    }
  }
  return (
    low !== undefined || high !== undefined || pattern !== undefined || (format !== undefined && !isNumeric(schema))
  );
}

/** Formats of numbers (`int32`, `double`) say how they are stored. */
function isNumeric({type}: SchemaObject): boolean {
  return type === 'integer' || type === 'number';
}

function readList(
  schema: SchemaObject,
  at: Located,
  list: {-readonly [K in keyof Shape['list']]: Shape['list'][K]},
): boolean {
  const low = countOf(schema, 'minItems', at);
  const high = countOf(schema, 'maxItems', at);
  list.low = Math.max(list.low, low ?? 0);
  list.high = Math.min(list.high, high ?? Number.POSITIVE_INFINITY);
  // Before 2020-12, a list of `items` was what `prefixItems` is now.
  const old = Array.isArray(schema.items);
  const prefixKeyword = old ? 'items' : 'prefixItems';
  const restKeyword = old ? 'additionalItems' : 'items';
  const hasPrefix = schema[prefixKeyword] !== undefined && (old || schema.prefixItems !== undefined);
  const prefix = hasPrefix ? listOf(schema, prefixKeyword, at) : [];
  const rest = schema[restKeyword];
  if (prefix.length > 0 || rest !== undefined) {
    // A tuple of which nothing is said after its end ends there.
    const end = prefix.length > 0 && rest === undefined && (low ?? 0) <= prefix.length;
    list.prefixes = [...list.prefixes, prefix.map((each) => ({...each, trail: []}))];
    list.rests = [...list.rests, rest === false || end ? false : within(at, rest ?? true, restKeyword)];
  }
  return low !== undefined || high !== undefined || prefix.length > 0 || rest !== undefined;
}

function readObject(
  schema: SchemaObject,
  at: Located,
  object: {-readonly [K in keyof Shape['object']]: Shape['object'][K]},
): boolean {
  const keywords = ['properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames'];
  const found = keywords.some((keyword) => schema[keyword] !== undefined);
  const low = countOf(schema, 'minProperties', at);
  const high = countOf(schema, 'maxProperties', at);
  object.low = Math.max(object.low, low ?? 0);
  object.high = Math.min(object.high, high ?? Number.POSITIVE_INFINITY);
  if (!found) return low !== undefined || high !== undefined;
  const {required, additionalProperties: others, propertyNames} = schema;
  if (required !== undefined) {
    if (!Array.isArray(required) || !required.every((name) => typeof name === 'string')) {
      // Draft 3 and some tools say it at the property.
      throw refuse(`required is ${show(required)}; expected a list of names`, child(at.pointer, 'required'));
    }
    object.required = new Set([...object.required, ...required]);
  }
  if (propertyNames !== undefined) object.names = [...object.names, within(at, propertyNames, 'propertyNames')];
  const names = new Map(
    Object.entries(objectOf(schema, 'properties', at)).map(([name, each]) => [
      name,
      within(at, each, 'properties', name),
    ]),
  );
  const patterns = Object.entries(objectOf(schema, 'patternProperties', at)).map(([source, each]) => ({
    source,
    schema: within(at, each, 'patternProperties', source),
  }));
  const unsaid = names.size + patterns.length > 0 ? 'closed' : 'open';
  object.parts = [
    ...object.parts,
    {
      names,
      patterns,
      others: others === undefined ? unsaid : others === false ? false : within(at, others, 'additionalProperties'),
    },
  ];
  return true;
}

/** Whether every alternative is an object with a value of its own for one property that all require. */
function haveDiscriminator(kinds: readonly (readonly Shape[])[]): boolean {
  const all = kinds.flat();
  if (all.length === 0 || !all.every(({types}) => types.size === 1 && types.has('object'))) return false;
  for (const name of all[0].object.required) {
    const known = new Map<string, number>();
    const isOwn = kinds.every((shapes, kind) =>
      shapes.every((shape) => {
        const constants = constantsOf(shape, name);
        return constants?.every((text) => {
          const other = known.get(text) ?? kind;
          known.set(text, kind);
          return other === kind;
        });
      }),
    );
    if (isOwn) return true;
  }
  return false;
}

/** The values that a required property may have, where its schema lists them. */
function constantsOf({object}: Shape, name: string): string[] | null {
  if (!object.required.has(name)) return null;
  for (const {names} of object.parts) {
    const schema = names.get(name)?.schema as SchemaObject | undefined;
    if (typeof schema !== 'object' || schema === null) continue;
    if (Object.hasOwn(schema, 'const')) return [canonical(schema.const)];
    if (Array.isArray(schema.enum)) return schema.enum.map(canonical);
  }
  return null;
}

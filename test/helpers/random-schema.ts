// Schemas of the supported part of JSON Schema, at random: what a judge writes answers under. Knows no grammar.

export type Random = () => number;
type Schema = Record<string, unknown>;

const PATTERNS = [
  '^[a-z]+$',
  '^[A-Z]{2}-\\d{1,3}$',
  'b+',
  '^(?!no)[a-z]{2,5}$',
  '^(ab|c)*$',
  '^\\p{Lu}\\p{Ll}*$',
  '^[^"\\\\]{1,4}$',
  '^$|^x',
];
const FORMATS = ['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid', 'uri'];
const NAMES = ['a', 'b', 'name', 'two words', 'ünï', 'x"y', 'ab', 'id', '🦖', 'c/d~e'];
const VALUES: readonly unknown[] = [
  'a',
  'b "q"',
  '',
  0,
  1,
  -2.5,
  1e21,
  true,
  false,
  null,
  [],
  [1, 'x'],
  {},
  {k: [null]},
];

/** A schema that something fulfils, as far as that is easy to see. */
export function randomSchema(random: Random): Schema {
  const schema = new Maker(random).schema(0);
  return schema;
}

class Maker {
  readonly #random: Random;
  readonly #defs: Schema = {};

  constructor(random: Random) {
    this.#random = random;
  }

  schema(depth: number): Schema {
    const schema = this.#any(depth);
    if (depth > 0 || Object.keys(this.#defs).length === 0) return schema;
    return {...schema, $defs: this.#defs};
  }

  #any(depth: number): Schema {
    const kinds: (() => Schema)[] = [
      () => this.#number(),
      () => this.#text(),
      () => this.#text(),
      () => ({enum: this.#some(VALUES, 1, 5)}),
      () => ({const: this.#one(VALUES)}),
      () => ({type: this.#one(['null', 'boolean', 'integer', 'number', 'string'])}),
      () => ({type: this.#some(['null', 'boolean', 'integer', 'string'], 2, 3)}),
    ];
    if (depth < 3) {
      const object = (): Schema => this.#object(depth);
      const list = (): Schema => this.#list(depth);
      kinds.push(
        object,
        object,
        object,
        list,
        list,
        () => this.#choice(depth),
        () => this.#reference(depth),
        () => this.#all(depth),
      );
    }
    if (depth === 0) kinds.splice(0, 7);
    const schema = this.#one(kinds)();
    if (this.#chance(0.05) && typeof schema.type === 'string') schema.nullable = true;
    if (this.#chance(0.1)) schema.description = 'said of it, and nothing to enforce';
    return schema;
  }

  #number(): Schema {
    const schema: Schema = {type: this.#one(['integer', 'number'])};
    const low = Math.round((this.#random() - 0.5) * 400) / this.#one([1, 1, 10, 100]);
    const high = low + Math.round(this.#random() * 500 + 3);
    if (this.#chance(0.5)) schema[this.#one(['minimum', 'exclusiveMinimum'])] = low;
    if (this.#chance(0.5)) schema[this.#one(['maximum', 'exclusiveMaximum'])] = high;
    if (this.#chance(0.15)) schema.multipleOf = this.#one([1, 2, 5, 10, 0.5, 0.1, 0.01]);
    return schema;
  }

  #text(): Schema {
    const schema: Schema = {type: 'string'};
    if (this.#chance(0.25)) return {...schema, format: this.#one(FORMATS)};
    if (this.#chance(0.3)) schema.pattern = this.#one(PATTERNS);
    if (this.#chance(0.3)) schema.minLength = this.#whole(3);
    if (this.#chance(0.3)) schema.maxLength = this.#whole(6) + 3;
    return schema;
  }

  #object(depth: number): Schema {
    const names = this.#some(NAMES, 0, 5);
    const schema: Schema = {
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, this.#any(depth + 1)])),
    };
    const required = names.filter(() => this.#chance(0.5));
    if (required.length > 0) schema.required = required;
    if (this.#chance(0.3)) schema.additionalProperties = this.#chance(0.5) ? false : this.#any(depth + 2);
    if (this.#chance(0.1)) schema.patternProperties = {'^x_': this.#any(depth + 2)};
    if (this.#chance(0.05)) schema.propertyNames = {pattern: '^[^0-9]'};
    if (this.#chance(0.1) && required.length > 0) schema.minProperties = required.length;
    return schema;
  }

  #list(depth: number): Schema {
    const schema: Schema = {type: 'array'};
    if (this.#chance(0.8)) schema.items = this.#any(depth + 1);
    if (this.#chance(0.25)) {
      schema.prefixItems = Array.from({length: 1 + this.#whole(2)}, () => this.#any(depth + 1));
      if (this.#chance(0.3)) schema.items = false;
    }
    const low = this.#chance(0.3) ? this.#whole(2) : 0;
    if (low > 0 && schema.items !== false) schema.minItems = low;
    if (this.#chance(0.4)) schema.maxItems = low + 1 + this.#whole(2);
    return schema;
  }

  #choice(depth: number): Schema {
    if (this.#chance(0.5)) return {anyOf: Array.from({length: 1 + this.#whole(3)}, () => this.#any(depth + 1))};
    const kinds = this.#some(['circle', 'square', 'line', 'a"b'], 1, 4);
    return {
      oneOf: kinds.map((kind) => ({
        type: 'object',
        properties: {kind: {const: kind}, of: this.#any(depth + 1)},
        required: ['kind'],
      })),
    };
  }

  #reference(depth: number): Schema {
    const name = this.#one(['node', 'leaf/of', 'list']);
    if (!Object.hasOwn(this.#defs, name)) {
      // A reference to itself is within something that may be left out.
      this.#defs[name] = {};
      const own = {$ref: `#/$defs/${name.replace('/', '~1')}`};
      this.#defs[name] = this.#one<() => Schema>([
        () => ({type: 'object', properties: {v: this.#any(depth + 2), next: own}}),
        () => ({type: 'array', items: {anyOf: [{type: 'integer'}, own]}}),
        () => this.#any(depth + 2),
      ])();
    }
    return {$ref: `#/$defs/${name.replace('/', '~1')}`};
  }

  #all(depth: number): Schema {
    return this.#one<() => Schema>([
      () => ({allOf: [this.#object(depth + 1)]}),
      () => ({
        allOf: [this.#object(depth + 1), {type: 'object', properties: {z: this.#any(depth + 2)}, required: ['z']}],
      }),
      () => ({allOf: [this.#number(), {type: 'number', maximum: 1e6}]}),
      () => ({
        type: 'string',
        allOf: [{minLength: 1}, {maxLength: 9}],
        anyOf: [{pattern: '^[a-z]*$'}, {pattern: '^\\d+$'}],
      }),
    ])();
  }

  #chance(of: number): boolean {
    return this.#random() < of;
  }

  /** From 0 to `most`. */
  #whole(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  #one<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)];
  }

  #some<T>(list: readonly T[], low: number, high: number): T[] {
    const left = [...list];
    const found: T[] = [];
    for (let i = low + this.#whole(high - low); i > 0 && left.length > 0; i--) {
      found.push(...left.splice(Math.floor(this.#random() * left.length), 1));
    }
    return found;
  }
}

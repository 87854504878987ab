import {expect} from 'chai';
import {GemmaError} from '../../../src/errors.ts';
import {compileFormat} from '../../../src/grammar/compile.ts';
import type {Grammar} from '../../../src/grammar/grammar.ts';
import {takes} from '../../helpers/grammar.ts';

const grammarOf = (schema: unknown): Grammar => compileFormat({type: 'json_schema', json_schema: {schema}});

/** A schema, values that fulfil it, and values that do not. */
type Case = [schema: unknown, fulfil: unknown[], others: unknown[]];

const person = {
  type: 'object',
  properties: {
    name: {type: 'string'},
    age: {type: 'integer', minimum: 0, maximum: 150},
    tags: {items: {type: 'string'}},
  },
  required: ['name', 'age'],
  additionalProperties: false,
};
const tree = {
  $ref: '#/$defs/Node',
  $defs: {
    Node: {
      type: 'object',
      properties: {value: {type: 'integer'}, children: {type: 'array', items: {$ref: '#/$defs/Node'}}},
      required: ['value'],
    },
  },
};
const shape = {
  oneOf: [
    {type: 'object', properties: {kind: {const: 'circle'}, r: {type: 'number'}}, required: ['kind', 'r']},
    {type: 'object', properties: {kind: {const: 'square'}, side: {type: 'number'}}, required: ['kind', 'side']},
  ],
};

const CASES: Readonly<Record<string, Case>> = {
  'an object': [
    person,
    [
      {name: 'Ada', age: 36},
      {name: '', age: 0, tags: []},
      {name: 'a"\\\n🦖', age: 150, tags: ['a', 'b']},
    ],
    [
      {},
      {name: 'Ada'},
      {age: 1, name: 'Ada'},
      {name: 'Ada', age: 151},
      {name: 'Ada', age: -1},
      {name: 1, age: 1},
      [],
      null,
    ],
  ],
  'any value': [true, [null, true, 1, -1.5e9, 'a', [], {}, [[{a: [null]}]]], []],
  'an empty schema': [{}, [null, [1, 'a', {}]], []],
  types: [{type: ['string', 'null']}, ['a', null], [1, {}, true]],
  'nullable of OpenAPI': [{type: 'integer', nullable: true}, [1, null], ['a', 1.5]],
  enum: [{enum: ['a', 1, null, true, 'ab']}, ['a', 1, null, true, 'ab'], ['b', 2, {}, 'abc', false]],
  const: [{const: 'x'}, ['x'], ['y', 'xx']],
  'an enum of one type of two': [{type: 'string', enum: ['a', 1]}, ['a'], [1]],
  anyOf: [{anyOf: [{type: 'integer'}, {type: 'string', maxLength: 2}]}, [1, 'ab'], ['abc', 1.5, null]],
  'anyOf beside other keywords': [
    {properties: {a: {type: 'integer'}}, required: ['a'], anyOf: [{required: ['b']}, {required: ['c']}]},
    [
      {a: 1, b: 2},
      {a: 1, c: []},
    ],
    [{a: 1}, {b: 1}],
  ],
  allOf: [
    {
      allOf: [
        {type: 'object', properties: {a: {type: 'integer'}}, required: ['a']},
        {properties: {b: {type: 'string'}}},
      ],
    },
    [{a: 1, b: 'x'}],
    [{b: 'x'}, {a: 'x'}, {a: 1, b: 1}],
  ],
  'allOf of bounds': [{allOf: [{type: 'integer'}, {minimum: 3}, {maximum: 5}]}, [3, 5], [2, 6, 4.5]],
  'oneOf by a property': [
    shape,
    [
      {kind: 'circle', r: 1.5},
      {kind: 'square', side: 2},
    ],
    [{kind: 'circle', side: 2}, {kind: 'x'}],
  ],
  'oneOf by type': [{oneOf: [{type: 'integer'}, {type: 'string'}]}, [1, 'a'], [null]],
  recursion: [
    tree,
    [{value: 1}, {value: 1, children: [{value: 2, children: []}]}],
    [{children: []}, {value: 1, children: [1]}],
  ],
  'the root again': [
    {type: 'object', properties: {next: {anyOf: [{$ref: '#'}, {type: 'null'}]}}, required: ['next']},
    [{next: null}, {next: {next: null}}],
    [{}, {next: 1}],
  ],
  'lengths of texts': [
    {type: 'string', minLength: 2, maxLength: 3},
    ['ab', 'abc', '🦖🦖🦖', '"\\'],
    ['a', 'abcd', '🦖'],
  ],
  pattern: [{type: 'string', pattern: '^[a-z]+$'}, ['a', 'abc'], ['', 'A', 'a1', 'a\n']],
  'a pattern somewhere': [{type: 'string', pattern: 'b+'}, ['b', 'abc', '"b"'], ['', 'ac']],
  'a pattern and a length': [{type: 'string', pattern: '^(ab)+$', maxLength: 4}, ['ab', 'abab'], ['ababab', '']],
  bounds: [{type: 'number', minimum: -1.5, exclusiveMaximum: 10}, [-1.5, 0, 9.99, 1], [-1.51, 10, 100]],
  'bounds above 0': [{type: 'number', exclusiveMinimum: 0.1}, [0.11, 1, 1000], [0.1, 0, -1, 0.01]],
  'bounds of draft 4': [{type: 'integer', minimum: 3, exclusiveMinimum: true}, [4, 40], [3, 2]],
  multipleOf: [{type: 'integer', multipleOf: 5}, [0, 5, -10, 125], [1, 12]],
  'multipleOf a fraction': [{type: 'number', multipleOf: 0.01}, [1, 1.5, 1.25], [1.255]],
  lists: [
    {type: 'array', items: {type: 'integer'}, minItems: 1, maxItems: 3},
    [[1], [1, 2, 3]],
    [[], [1, 2, 3, 4], ['a']],
  ],
  tuples: [
    {type: 'array', prefixItems: [{type: 'string'}, {type: 'integer'}], items: false, minItems: 2},
    [['a', 1]],
    [['a'], ['a', 1, 2], [1, 'a']],
  ],
  'tuples with more': [
    {type: 'array', prefixItems: [{type: 'string'}], items: {type: 'boolean'}},
    [[], ['a'], ['a', true, false]],
    [[true], ['a', 'b']],
  ],
  dictionaries: [
    {type: 'object', additionalProperties: {type: 'integer'}},
    [{}, {a: 1, 'b "c"': 2}],
    [{a: 'x'}, {a: 1, b: null}],
  ],
  'other properties': [
    {type: 'object', properties: {a: {type: 'string'}}, additionalProperties: {type: 'integer'}},
    [{}, {a: 'x'}, {a: 'x', b: 1}, {ab: 1}, {b: 1}],
    [{a: 1}, {b: 'x'}],
  ],
  patternProperties: [
    {type: 'object', patternProperties: {'^x_': {type: 'integer'}}, additionalProperties: false},
    [{}, {x_a: 1}],
    [{a: 1}, {x_a: 'b'}],
  ],
  propertyNames: [
    {type: 'object', propertyNames: {pattern: '^[a-z]$'}, additionalProperties: {type: 'integer'}},
    [{a: 1}, {a: 1, b: 2}],
    [{A: 1}, {ab: 1}],
  ],
  'date and time': [
    {type: 'string', format: 'date-time'},
    ['2024-02-29T10:00:00Z', '1999-12-31T23:59:59.5+01:00'],
    ['2023-02-29T10:00:00Z', '2024-13-01T00:00:00Z', 'now'],
  ],
  uuid: [{type: 'string', format: 'uuid'}, ['123e4567-e89b-12d3-a456-426614174000'], ['123e4567']],
  email: [{type: 'string', format: 'email'}, ['a.b@example.org'], ['a@', '@b.c', 'a b@c.de']],
  ipv4: [{type: 'string', format: 'ipv4'}, ['127.0.0.1'], ['256.0.0.1', '1.2.3']],
};

describe('grammar: JSON Schema', () => {
  for (const [name, [schema, fulfil, others]] of Object.entries(CASES)) {
    it(`enforces ${name}`, () => {
      const grammar = grammarOf(schema);
      for (const value of fulfil) {
        for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2), JSON.stringify(value, null, '\t')]) {
          expect(takes(grammar, text), text).to.equal(true);
        }
      }
      for (const value of others) expect(takes(grammar, JSON.stringify(value)), JSON.stringify(value)).to.equal(false);
    });
  }

  it('takes JSON as Python writes it, and no white space elsewhere', () => {
    const grammar = compileFormat({type: 'json_object'});
    for (const text of ['{"a": 1, "b": [true, "x"]}', '{}', '{"a":{}}', '{"a": 1.0e+5}']) {
      expect(takes(grammar, text), text).to.equal(true);
    }
    for (const text of [
      ' {}',
      '{} ',
      '{"a" : 1}',
      '{"a":  1}',
      '{ }',
      `{\n${' '.repeat(21)}"a": 1}`,
      '{"a": 01}',
      "{'a': 1}",
      '[]',
      '1',
    ]) {
      expect(takes(grammar, text), text).to.equal(false);
    }
  });

  it('writes lists and objects of an enum in one line', () => {
    const grammar = grammarOf({enum: [{b: [2]}, [1, 2]]});
    for (const text of ['{"b":[2]}', '[1,2]']) expect(takes(grammar, text)).to.equal(true);
    for (const text of ['{"b": [2]}', '[2]', '{"b":[]}']) expect(takes(grammar, text)).to.equal(false);
  });

  it('writes each property once', () => {
    expect(takes(grammarOf(person), '{"name": "a", "name": "b", "age": 1}')).to.equal(false);
  });

  const REFUSED: Readonly<Record<string, [schema: unknown, pointer: string, says: RegExp]>> = {
    conditions: [{type: 'object', if: {required: ['a']}}, '/if', /conditions/],
    contains: [{type: 'array', contains: {type: 'integer'}}, '/contains', /contains/],
    not: [{properties: {a: {not: {type: 'string'}}}}, '/properties/a/not', /not cannot be enforced/],
    uniqueItems: [{type: 'array', uniqueItems: true}, '/uniqueItems', /uniqueItems/],
    'oneOf with values in common': [{oneOf: [{type: 'integer'}, {type: 'number'}]}, '/oneOf', /alternatives 0 and 1/],
    'a reference to nothing': [{$ref: '#/$defs/a'}, '/$ref', /leads nowhere/],
    'a reference elsewhere': [{$ref: 'https://example.org/a.json'}, '/$ref', /within the schema/],
    'a reference to itself': [{$ref: '#'}, '/$ref', /itself/],
    'references in a circle': [
      {$ref: '#/$defs/a', $defs: {a: {$ref: '#/$defs/b'}, b: {$ref: '#/$defs/a'}}},
      '/$defs/b/$ref',
      /itself/,
    ],
    'an unknown type': [{type: 'text'}, '/type', /"text"/],
    'an unknown format': [{type: 'string', format: 'idn-email'}, '/format', /idn-email/],
    'multipleOf 7': [{type: 'integer', multipleOf: 7}, '/multipleOf', /7/],
    'a word boundary': [{type: 'string', pattern: '\\bword'}, '/pattern', /word boundary/],
    'a back reference': [{type: 'string', pattern: '(a)\\1'}, '/pattern', /refers back/],
    'no pattern': [{type: 'string', pattern: '('}, '/pattern', /without a \)/],
    dependencies: [{dependentRequired: {a: ['b']}}, '/dependentRequired', /dependencies/],
    unevaluatedProperties: [{properties: {}, unevaluatedProperties: false}, '/unevaluatedProperties', /left over/],
    'a schema that is none': [{properties: {a: 1}}, '/properties/a', /expected an object, true or false/],
    'minProperties of open objects': [{type: 'object', minProperties: 1}, '/minProperties', /minProperties/],
    'a contradiction': [{type: 'string', pattern: '^a+$', minLength: 2, maxLength: 1}, '', /nothing can fulfil/],
  };
  for (const [name, [schema, pointer, says]] of Object.entries(REFUSED)) {
    it(`refuses ${name} and says where`, () => {
      let error: unknown;
      try {
        grammarOf(schema);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).to.be.instanceOf(GemmaError);
      expect((error as GemmaError).code).to.equal('grammar-invalid');
      expect((error as GemmaError).message).to.match(says);
      expect((error as GemmaError).detail?.pointer ?? '').to.equal(pointer);
    });
  }
});

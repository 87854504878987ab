import {expect} from 'chai';
import {hasCode} from '../../../src/errors.ts';
import {compileFormat} from '../../../src/grammar/compile.ts';
import {AWKWARD, randomNumbers, randomText} from '../../helpers/grammar.ts';

type Format = Parameters<typeof compileFormat>[0];

const schema = (value: unknown): Format => ({type: 'json_schema', json_schema: {schema: value}});
const list = <T>(length: number, make: (i: number) => T): T[] => Array.from({length}, (_, i) => make(i));

function nested(levels: number): unknown {
  let inner: unknown = {type: 'string'};
  for (let i = 0; i < levels; i++) inner = {type: 'object', properties: {a: inner}, required: ['a']};
  return inner;
}

/** Each definition is two of the next one: 2^40 ways to the end. */
const doubling = {
  $ref: '#/$defs/d0',
  $defs: Object.fromEntries([
    ...list(40, (i) => [`d${i}`, {anyOf: [{$ref: `#/$defs/d${i + 1}`}, {$ref: `#/$defs/d${i + 1}`}]}]),
    ['d40', {type: 'string'}],
  ]),
};
/** 2^30 combinations. */
const combined = {
  allOf: list(30, (i) => ({anyOf: [{properties: {[`a${i}`]: {type: 'integer'}}}, {properties: {[`b${i}`]: {}}}]})),
};
const cyclic: {properties: Record<string, unknown>} = {properties: {}};
cyclic.properties.a = cyclic;

/** What is refused in bounded time, as the test's own limit shows: without bounds none of these would end. */
const REFUSED: Readonly<Record<string, [format: Format, says: RegExp]>> = {
  '10,000 alternatives': [schema({anyOf: list(10_000, (i) => ({const: `v${i}`}))}), /more than 4096 alternatives/],
  '5,000 levels': [schema(nested(5000)), /deeper than 256 levels/],
  'a schema that is within itself': [schema(cyclic), /deeper than 256 levels/],
  '2^40 ways through references': [schema(doubling), /more than 5000 alternatives/],
  '2^30 combinations': [schema(combined), /more than 5000 alternatives/],
  'recursion without an end': [schema({properties: {a: {$ref: '#'}}, required: ['a']}), /no end/],
  'lists within lists without an end': [schema({type: 'array', items: {$ref: '#'}, minItems: 1}), /no end/],
  'a list of 10^9': [schema({type: 'array', items: {}, maxItems: 1e9}), /more than 100000 places/],
  'patterns that have to match together': [
    schema({allOf: [{pattern: '(a|b)*a(a|b){14}'}, {pattern: '(a|c)*a(a|c){14}'}, {pattern: '(b|a)*b(a|b){13}'}]}),
    /make it smaller/,
  ],
  'a pattern of 30,000 characters': [{type: 'regex', regex: 'ab'.repeat(15_000)}, /at most 20000/],
};

/** What looks as bad and is not: answers end, or could. */
const TAKEN: Readonly<Record<string, Format>> = {
  '3,000 values': schema({enum: list(3000, (i) => `value ${i}`)}),
  '300 required properties': schema({
    type: 'object',
    properties: Object.fromEntries(list(300, (i) => [`p${i}`, {type: 'integer'}])),
    required: list(300, (i) => `p${i}`),
  }),
  '100 levels': schema(nested(100)),
  'repetitions of repetitions': {type: 'regex', regex: '(((a{1,1000}){1,1000}){1,1000})b'},
  'a look far back': {type: 'regex', regex: '(a|b)*a(a|b){40}'},
  'a text of a million characters': schema({type: 'string', minLength: 1_000_000}),
  'ten things ahead': {type: 'regex', regex: `${[...'abcdefghij'].map((c) => `(?=.*${c})`).join('')}.*`},
};

describe('grammar: hostile schemas', () => {
  for (const [name, [format, says]] of Object.entries(REFUSED)) {
    it(`refuses ${name}`, () => {
      let error: unknown;
      try {
        compileFormat(format);
      } catch (thrown) {
        error = thrown;
      }
      expect(hasCode(error, 'grammar-invalid'), String(error)).to.equal(true);
      expect((error as Error).message).to.match(says);
    });
  }

  for (const [name, format] of Object.entries(TAKEN)) {
    it(`takes ${name}`, () => {
      const grammar = compileFormat(format);
      let places = 0;
      const text = randomText(grammar, AWKWARD, randomNumbers(2), 60, () => places++);
      expect(places).to.be.above(0);
      if (text !== null && format.type === 'json_schema') JSON.parse(text);
    });
  }
});

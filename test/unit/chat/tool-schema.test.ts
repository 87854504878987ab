import {expect} from 'chai';
import {type Random, seededRandom} from '../../../scripts/model-files/random.ts';
import {BoundedTemplate} from '../../../src/chat/bounded-jinja.ts';
import {renderGemma4} from '../../../src/chat/gemma4-template.ts';
import {templateTool} from '../../../src/chat/template-input.ts';
import {plainParameters} from '../../../src/chat/tool-schema.ts';
import type {ToolDefinition} from '../../../src/protocol/messages.ts';

/** The schema of one property. */
const plain = (schema: unknown, more: object = {}) =>
  (plainParameters({type: 'object', properties: {x: schema}, ...more}).properties as Record<string, unknown>).x;

/** What Gemma's own templates do with a schema: they upper-case each type, and go into objects and lists. */
const TYPES = new BoundedTemplate(
  `{%- macro types(properties) -%}{%- for key, value in properties | dictsort -%}
    {{- key }}:{{ value['type'] | upper -}}{{- value['description'] | default('') -}}
    {%- if value['enum'] -%}{%- for one in value['enum'] -%}{{- one | string -}}{%- endfor -%}{%- endif -%}
    {%- if value['type'] | upper == 'OBJECT' -%}({{- types(value['properties'] if value['properties'] is defined else value) -}}){%- endif -%}
    {%- if value['type'] | upper == 'ARRAY' and value['items'] is mapping -%}[{{ value['items']['type'] | upper }}]{%- endif -%}
    {%- for each in value['required'] | default([]) -%}{{ each | upper }}{%- endfor -%}
  {%- endfor -%}{%- endmacro -%}
  {{- types(tool['function']['parameters']['properties']) -}}`,
);
const written = (parameters: Record<string, unknown>): string => {
  const tool: ToolDefinition = {type: 'function', function: {name: 'f', parameters}};
  const made = templateTool(tool);
  renderGemma4(
    {messages: [{role: 'user', content: 'a'}], tools: [made], thinking: false, addGenerationPrompt: true, bosToken: ''},
    false,
  );
  return TYPES.render({tool: made});
};

describe('a tool’s schema', () => {
  const cases: [name: string, schema: unknown, expected: unknown, more?: object][] = [
    [
      'plain: as it is',
      {type: 'string', description: 'D', enum: ['a'], minLength: 1},
      {type: 'string', description: 'D', enum: ['a'], minLength: 1},
    ],
    ['a list of types', {type: ['null', 'string']}, {type: 'string', nullable: true}],
    ['several types', {type: ['integer', 'string']}, {type: 'integer'}],
    [
      'Pydantic: Optional[int]',
      {anyOf: [{type: 'integer'}, {type: 'null'}], default: null, title: 'X'},
      {type: 'integer', nullable: true, default: null},
    ],
    [
      'zod: an optional text of some',
      {anyOf: [{type: 'string', enum: ['a', 'b']}, {type: 'null'}], description: 'D'},
      {type: 'string', enum: ['a', 'b'], description: 'D', nullable: true},
    ],
    [
      'zod: a union of literals',
      {
        anyOf: [
          {type: 'string', const: 'a'},
          {type: 'string', const: 'b'},
        ],
      },
      {type: 'string', enum: ['a', 'b']},
    ],
    ['an enum without a type', {enum: ['a', 'b', null]}, {type: 'string', enum: ['a', 'b'], nullable: true}],
    ['numbers without a type', {enum: [1, 2]}, {type: 'integer', enum: [1, 2]}],
    ['a constant', {const: 'a'}, {type: 'string', enum: ['a']}],
    ['anything', {}, {type: 'string'}],
    ['true', true, {type: 'string'}],
    [
      'properties without a type',
      {properties: {y: {type: 'number'}}},
      {type: 'object', properties: {y: {type: 'number'}}},
    ],
    ['items without a type', {items: {type: 'number'}}, {type: 'array', items: {type: 'number'}}],
    [
      'zod: a record',
      {type: 'object', additionalProperties: {type: 'string'}, propertyNames: {type: 'string'}},
      {type: 'object', properties: {}},
    ],
    [
      'Pydantic: a reference',
      {$ref: '#/$defs/Place', description: 'Where'},
      {type: 'object', properties: {n: {type: 'string'}}, required: ['n'], description: 'Where'},
      {
        $defs: {
          Place: {type: 'object', title: 'Place', description: 'P', properties: {n: {type: 'string'}}, required: ['n']},
        },
      },
    ],
    [
      'Pydantic: an Enum by reference, optional',
      {anyOf: [{$ref: '#/$defs/Unit'}, {type: 'null'}]},
      {type: 'string', enum: ['C', 'F'], nullable: true},
      {$defs: {Unit: {enum: ['C', 'F'], title: 'Unit', type: 'string'}}},
    ],
    ['a reference to nowhere', {$ref: '#/$defs/No'}, {type: 'string'}],
    [
      'all of several',
      {allOf: [{type: 'object', properties: {a: {type: 'string'}}}, {properties: {b: {type: 'string'}}}]},
      {type: 'object', properties: {a: {type: 'string'}, b: {type: 'string'}}},
    ],
    [
      'properties that are called as keywords',
      {type: 'object', properties: {title: {type: 'string'}, const: {type: 'string'}}},
      {type: 'object', properties: {title: {type: 'string'}, const: {type: 'string'}}},
    ],
  ];
  for (const [name, schema, expected, more] of cases) {
    it(`is made plain: ${name}`, () => {
      expect(plain(schema, more)).to.deep.equal(expected);
      // Once plain, it stays so.
      expect(plain(plain(schema, more))).to.deep.equal(expected);
    });
  }

  it('ends where it refers to itself, also twice', () => {
    const node = {
      type: 'object',
      properties: {left: {$ref: '#/$defs/Node'}, right: {$ref: '#/$defs/Node'}, v: {type: 'number'}},
    };
    const found = JSON.stringify(plain({$ref: '#/$defs/Node'}, {$defs: {Node: node}}));
    expect(found).to.contain('"v":{"type":"number"}').and.to.have.length.below(1000);
    expect(plain({$ref: '#'})).to.have.property('type', 'object');
    const circle: Record<string, unknown> = {type: 'object'};
    circle.properties = {again: circle};
    expect(() => plain(circle)).not.to.throw();
  });

  it('is refused where it grows without end', () => {
    // Each level refers twice to the next one: 2^23 values.
    const $defs: Record<string, unknown> = {};
    for (let i = 0; i < 23; i++) {
      const next = {$ref: `#/$defs/D${i + 1}`};
      $defs[`D${i}`] = {type: 'object', properties: {a: next, b: next}};
    }
    const start = performance.now();
    expect(() => plain({$ref: '#/$defs/D0'}, {$defs})).to.throw(/more than 20000 values/);
    expect(() => plain({allOf: [{$ref: '#/$defs/D0'}, {$ref: '#/$defs/D0'}]}, {$defs})).to.throw(/20000/);
    expect(performance.now() - start).to.be.below(3000);
  });

  it('can be written by the templates of files and by the built-in form, whatever it is', () => {
    expect(written({properties: {a: {anyOf: [{type: 'string'}, {type: 'null'}]}, b: {enum: ['x', 'y']}}})).to.equal(
      'a:STRINGb:STRINGxy',
    );
    for (let seed = 0; seed < 2000; seed++) {
      const random = seededRandom(seed);
      const parameters = {
        properties: {x: randomSchema(random, 4), y: randomSchema(random, 2)},
        $defs: {A: randomSchema(random, 3), B: {$ref: '#/$defs/A'}},
      };
      try {
        written(parameters);
      } catch (error) {
        throw new Error(`seed ${seed}, ${JSON.stringify(parameters)}: ${error}`);
      }
    }
  });
});

/** Well-formed or not: keywords with values that some schema has under them, or under another. */
function randomSchema(random: Random, depth: number): unknown {
  const some = <T>(...from: T[]): T => from[random.u32() % from.length];
  if (depth === 0) return some<unknown>(true, {}, {type: 'string'}, {$ref: '#/$defs/A'}, null, 'string');
  const inner = () => randomSchema(random, depth - 1);
  const keywords: Record<string, () => unknown> = {
    type: () => some<unknown>('string', 'object', 'array', 'integer', ['string', 'null'], ['null'], [], 7, null),
    enum: () => some<unknown>(['a', 'b'], [1, null], [], 'a', [{a: 1}, ['b']]),
    const: () => some<unknown>('a', null, {a: 1}),
    properties: () => some<unknown>({a: inner(), type: inner()}, {}, [], null),
    items: () => some<unknown>(inner(), [inner()], true, null),
    required: () => some<unknown>(['a'], 'a', [1, null], null),
    anyOf: () => some<unknown>([inner(), {type: 'null'}], [inner(), inner()], [], {}),
    oneOf: () => [inner(), inner()],
    allOf: () => [inner(), inner()],
    $ref: () => some('#/$defs/A', '#/$defs/B', '#', 'https://a.example/b', '#/a/b/c'),
    description: () => some<unknown>('D', 7, null),
    additionalProperties: inner,
    minProperties: () => 1,
    nullable: () => some<unknown>(true, 'yes'),
  };
  const names = Object.keys(keywords).filter(() => random.u32() % 3 === 0);
  return Object.fromEntries(names.map((name) => [name, keywords[name]()]));
}

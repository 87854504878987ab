// docs/structured-output.md: its programs run word for word, and its table is what came back. With UPDATE_DOCS=1 it is written anew.
import {readFileSync, writeFileSync} from 'node:fs';
import {expect} from 'chai';
import type {GemmaClient} from '../../../src/client/gemma-client.ts';
import {GemmaError} from '../../../src/errors.ts';
import {closePorts, FakeWorker} from '../../helpers/fake-worker.ts';
import {clientModule, programsOf, runProgram} from '../../helpers/run-program.ts';

const PAGE = new URL('../../../docs/structured-output.md', import.meta.url);
const page = readFileSync(PAGE, 'utf8');
const [SETUP, ...REST] = programsOf(page);
const [BEGIN, END] = ['<!-- keywords: written by test/unit/grammar/docs.test.ts -->', '<!-- /keywords -->'];

/** A schema a keyword; two where one form of it is enforced and another is not. */
const SCHEMAS: [of: string, schema: unknown][] = [
  ['`type`', {type: ['object', 'null']}],
  ['`enum`, `const`', {enum: [1, 'a', null, {a: [true]}], const: 'a'}],
  ['`properties`, `required`', {properties: {a: {type: 'number'}}, required: ['a']}],
  ['`additionalProperties`', {type: 'object', additionalProperties: {type: 'integer'}}],
  ['`patternProperties`', {type: 'object', patternProperties: {'^x_': {type: 'integer'}}, additionalProperties: false}],
  ['`propertyNames`', {type: 'object', propertyNames: {pattern: '^[a-z]+$'}}],
  ['`minProperties`', {type: 'object', minProperties: 1}],
  ['`maxProperties`', {type: 'object', maxProperties: 2}],
  ['`dependentRequired`', {type: 'object', properties: {a: {}, b: {}}, dependentRequired: {a: ['b']}}],
  ['`dependentSchemas`', {type: 'object', dependentSchemas: {a: {required: ['b']}}}],
  ['`unevaluatedProperties: false`', {type: 'object', properties: {a: {}}, unevaluatedProperties: false}],
  ['`items`', {type: 'array', items: {type: 'string'}}],
  ['`prefixItems`', {type: 'array', prefixItems: [{type: 'string'}, {type: 'number'}], items: false}],
  ['`minItems`, `maxItems`', {type: 'array', minItems: 1, maxItems: 3}],
  ['`uniqueItems: true`', {type: 'array', uniqueItems: true}],
  ['`contains`', {type: 'array', contains: {type: 'string'}}],
  ['`minLength`, `maxLength`', {type: 'string', minLength: 1, maxLength: 5}],
  ['`pattern`', {type: 'string', pattern: '^\\p{Lu}[a-z]*$'}],
  ['`pattern` with a backreference', {type: 'string', pattern: '(a)\\1'}],
  ['`format: date-time`', {type: 'string', format: 'date-time'}],
  ['`format: email`', {type: 'string', format: 'email'}],
  ['`format: uuid`', {type: 'string', format: 'uuid'}],
  ['`format: uri`', {type: 'string', format: 'uri'}],
  ['`format: regex`', {type: 'string', format: 'regex'}],
  ['`minimum`, `maximum`', {type: 'number', minimum: -1.5, maximum: 3}],
  ['`exclusiveMinimum`, `exclusiveMaximum`', {type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10}],
  ['`multipleOf`', {type: 'integer', multipleOf: 5}],
  ['`multipleOf` below 1', {type: 'number', multipleOf: 0.01}],
  ['`anyOf`', {anyOf: [{type: 'string'}, {type: 'number'}]}],
  ['`oneOf` of kinds apart', {oneOf: [{type: 'string'}, {type: 'number'}]}],
  ['`oneOf` that may overlap', {oneOf: [{type: 'number'}, {type: 'number', minimum: 5}]}],
  ['`allOf`', {allOf: [{type: 'string', minLength: 2}, {maxLength: 4}]}],
  ['`not`', {not: {type: 'string'}}],
  ['`if`, `then`, `else`', JSON.parse('{"if":{"type":"string"},"then":{"minLength":2},"else":{"type":"number"}}')],
  ['`$ref`, `$defs`', {$ref: '#/$defs/a', $defs: {a: {type: 'string'}}}],
  ['`$ref` to itself', {type: 'object', properties: {next: {anyOf: [{$ref: '#'}, {type: 'null'}]}}}],
  ['`$ref` to another document', {$ref: 'https://example.com/a.json'}],
  ['recursion without an end', {type: 'object', properties: {a: {$ref: '#'}}, required: ['a']}],
  ['`$dynamicRef`', {$dynamicRef: '#a'}],
  ['`nullable`', {type: 'string', nullable: true}],
  [
    '`title`, `description`, `default`, `examples`',
    {type: 'string', title: 'A', description: 'B', default: 'C', examples: []},
  ],
  ['a keyword that there is not', {type: 'string', surprise: 1}],
];

/** `yes`, or why not. */
async function outcome(client: GemmaClient, schema: unknown): Promise<string> {
  const json_schema = {name: 'a', schema};
  const messages = [{role: 'user' as const, content: 'x'}];
  try {
    await client.chat.completions.create({
      ...{messages, max_tokens: 1, response_format: {type: 'json_schema', json_schema} as never},
    });
    return 'yes';
  } catch (error) {
    const {code, message} = GemmaError.from(error);
    if (code !== 'grammar-invalid') throw error;
    return `no: ${message.replaceAll('|', '\\|')}`;
  }
}

describe('docs/structured-output.md', () => {
  afterEach(closePorts);

  for (const [i, code] of REST.entries()) {
    it(`program ${i + 1} runs, whatever the model likes to say`, async () => {
      const modules = {'gemma-chat/client': clientModule(new FakeWorker({contextLength: 2048}))};
      expect((await runProgram(`${SETUP}\n${code}`, modules)).printed).to.equal('true');
    });
  }

  it('says what of JSON Schema is enforced as it comes back', async () => {
    const client = await new FakeWorker({contextLength: 512}).load();
    const rows: string[] = [];
    for (const [of, schema] of SCHEMAS) {
      rows.push(`| ${of} | \`${JSON.stringify(schema).replaceAll('|', '\\|')}\` | ${await outcome(client, schema)} |`);
    }
    const table = `${BEGIN}\n| | schema | enforced |\n|---|---|---|\n${rows.join('\n')}\n${END}`;
    const [from, to] = [page.indexOf(BEGIN), page.indexOf(END) + END.length];
    expect(from, 'where the table is').to.be.above(0);
    if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, page.slice(0, from) + table + page.slice(to));
    else expect(page.slice(from, to)).to.equal(table);
  });
});

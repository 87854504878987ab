// Answers under `responseConstraint`: a JSON Schema or a RegExp.
import {expect} from 'chai';
import type {ChatCompletionParams} from '../../../src/client/index.ts';
import {LanguageModel} from '../../../src/language-model/index.ts';
import {says} from '../../helpers/fake-engine.ts';
import {closePorts, rejection} from '../../helpers/fake-worker.ts';
import {all, withClient} from './harness.ts';

const nameOf = async (promise: Promise<unknown>): Promise<string> => (await rejection(promise)).name;
const bad = (value: unknown) => value as never;
const schema = {type: 'object', properties: {open: {type: 'boolean'}}, required: ['open'], additionalProperties: false};

describe('responseConstraint', () => {
  afterEach(closePorts);

  it('holds an answer to a schema, whatever the model likes to say', async () => {
    await withClient({contextLength: 1024, next: says('No, it is closed')});
    const session = await LanguageModel.create();
    expect(JSON.parse(await session.prompt('Open?', {responseConstraint: schema}))).to.have.keys('open');
    const streamed = (await all(session.promptStreaming('Open?', {responseConstraint: schema}))).join('');
    expect(JSON.parse(streamed)).to.have.keys('open');
  });

  it('holds an answer to a RegExp, from its first character to its last', async () => {
    await withClient({contextLength: 1024});
    const session = await LanguageModel.create();
    const answer = await session.prompt('Size?', {responseConstraint: /(small|medium|large)/u});
    expect(answer).to.match(/^(small|medium|large)$/);
  });

  it('is told to the model, and counted, unless that is left out', async () => {
    const {client} = await withClient({contextLength: 1024, next: says('{"open":true}')});
    const prompts: string[] = [];
    const {create} = client.chat.completions;
    client.chat.completions.create = ((params: ChatCompletionParams, options: never) => {
      prompts.push(String(params.messages.at(-1)?.content));
      return create(params, options);
    }) as typeof create;
    const session = await LanguageModel.create({samplingMode: 'most-predictable'});
    const options = {responseConstraint: schema};
    const told = await session.measureContextUsage('Open?', options);
    expect(told).to.be.above(
      await session.measureContextUsage('Open?', {...options, omitResponseConstraintInput: true}),
    );
    await session.prompt('Open?', options);
    await session.prompt('Open?', {...options, omitResponseConstraintInput: true});
    expect(prompts[0]).to.match(/^Open\?\n\nAnswer in JSON that conforms to this schema: \{"type":"object"/);
    expect(prompts[1]).to.equal('Open?');
  });

  it('is refused where it cannot be enforced, and where it is no constraint', async () => {
    await withClient({contextLength: 1024});
    const session = await LanguageModel.create();
    const wrong: [unknown, string][] = [
      [{type: 'array', uniqueItems: true}, 'NotSupportedError'],
      [/(a)\1/, 'NotSupportedError'],
      [/a/i, 'NotSupportedError'],
      ['a', 'TypeError'],
      [null, 'TypeError'],
      [{toJSON: () => undefined}, 'TypeError'],
    ];
    for (const [responseConstraint, name] of wrong) {
      expect(await nameOf(session.prompt('x', {responseConstraint: bad(responseConstraint)}))).to.equal(name);
    }
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(await nameOf(session.prompt('x', {responseConstraint: circular}))).to.equal('TypeError');
    expect(await nameOf(session.prompt('x', {omitResponseConstraintInput: true}))).to.equal('TypeError');
  });
});

import {expect} from 'chai';
import {OutputParser} from '../../../src/chat/output-parser.ts';
import type {AnswerConstraint} from '../../../src/grammar/answer-constraint.ts';
import {AnswerForms, type AnswerRules} from '../../../src/grammar/index.ts';
import {atOnce} from '../../../src/tokenizer/pieces.ts';
import {tinyTokenizer} from '../../helpers/fake-engine.ts';
import {idsOf, randomNumbers} from '../../helpers/grammar.ts';

const tokenizer = tinyTokenizer();
const forms = new AnswerForms(tokenizer, async (work) => atOnce(work));
const tag = (text: string): number => tokenizer.idOf(text)!;

const weather = {
  name: 'get_weather',
  strict: true,
  parameters: {
    type: 'object',
    properties: {
      place: {type: 'string', maxLength: 4},
      'two words': {type: 'boolean'},
      days: {type: 'array', items: {type: 'integer', minimum: 1, maximum: 9}, maxItems: 2},
      detail: {anyOf: [{type: 'null'}, {type: 'object', properties: {unit: {enum: ['C', 'F']}}, required: ['unit']}]},
    },
    required: ['place', 'detail', 'two words'],
    additionalProperties: false,
  },
};
const rules = (more: Partial<AnswerRules>): AnswerRules => ({
  format: null,
  tools: [weather, {name: 'now', strict: true}],
  mustCall: false,
  parallel: true,
  ...more,
});

/** Random tokens that are allowed, what has to come at once, until the end or `most` tokens. */
function write(constraint: AnswerConstraint, random: () => number, most = 300): number[] {
  const ids: number[] = [];
  const take = (id: number): void => {
    constraint.accept(id);
    ids.push(id);
  };
  while (!constraint.complete && ids.length < most) {
    for (const id of constraint.forced()) take(id);
    if (constraint.complete) break;
    const allowed = idsOf(constraint.allowed()!);
    const id = allowed[Math.floor(random() * allowed.length)];
    if (tokenizer.stopIds.has(id)) break;
    take(id);
  }
  return ids;
}

function callsOf(ids: readonly number[]): {name: string; arguments: Record<string, unknown>}[] {
  const parser = new OutputParser(tokenizer);
  const events = [...ids.flatMap((id) => parser.push(id)), ...parser.flush()];
  expect(events.filter(({type}) => type !== 'tool-call')).to.deep.equal([]);
  return events.flatMap((event) =>
    event.type === 'tool-call'
      ? [{name: event.call.function.name, arguments: JSON.parse(event.call.function.arguments)}]
      : [],
  );
}

function check(call: {name: string; arguments: Record<string, unknown>}): void {
  if (call.name === 'now') return void expect(call.arguments).to.deep.equal({});
  expect(call.name).to.equal('get_weather');
  const {place, detail, days, 'two words': two, ...others} = call.arguments;
  expect(others).to.deep.equal({});
  expect(place).to.be.a('string');
  expect(Array.from(place as string).length).to.be.at.most(4);
  expect(two).to.be.a('boolean');
  if (detail !== null) expect(['C', 'F']).to.include((detail as {unit: string}).unit);
  for (const day of (days ?? []) as number[]) expect(day).to.be.within(1, 9);
}

describe('grammar: calls of tools', () => {
  it('are under the schema of the tool that is called, as the parser reads them', async () => {
    const random = randomNumbers(4);
    const names = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const ids = write(await forms.follow(rules({mustCall: true, parallel: false}), 'none'), random);
      const calls = callsOf(ids);
      expect(calls).to.have.length(1);
      calls.forEach(check);
      names.add(calls[0].name);
    }
    expect([...names].sort()).to.deep.equal(['get_weather', 'now']);
  });

  it('may be several where the request allows it', async () => {
    const random = randomNumbers(9);
    const counts = new Set<number>();
    for (let i = 0; i < 30; i++) {
      const calls = callsOf(write(await forms.follow(rules({mustCall: true}), 'none'), random, 2000));
      calls.forEach(check);
      counts.add(calls.length);
    }
    expect(Math.max(...counts)).to.be.above(1);
  });

  it('leave the text free, and what is said after them', async () => {
    const constraint = await forms.follow(rules({}), 'none');
    const text = tokenizer.encode('Let me see', {addBos: false});
    for (const id of text) {
      expect(constraint.allowed()).to.equal(null);
      constraint.accept(id);
    }
    constraint.accept(tag('<|tool_call>'));
    expect(constraint.allowed()).not.to.equal(null);
    const forced = constraint.forced();
    expect(tokenizer.decode(forced)).to.match(/^cal/);
    for (const id of tokenizer.encode('call:now{}', {addBos: false})) constraint.accept(id);
    expect(constraint.forced()).to.deep.equal([tag('<tool_call|>')]);
    constraint.accept(tag('<tool_call|>'));
    expect(constraint.allowed()).to.equal(null);
    expect(constraint.complete).to.equal(false);
  });

  it('are an answer of their own beside a format', async () => {
    const constraint = await forms.follow(rules({format: {type: 'json_object'}}), 'none');
    const first = idsOf(constraint.allowed()!).map((id) => tokenizer.tokenText(id));
    expect(first).to.include.members(['{', '<|tool_call>']);
    expect(first.every((text) => text.startsWith('{') || text === '<|tool_call>' || text === '<0x7B>')).to.equal(true);
  });

  it('are refused where a schema of theirs cannot be enforced, and any schema is taken where it need not be', async () => {
    const tool = {name: 'a', parameters: {type: 'object', not: {required: ['b']}}};
    let error: unknown;
    await forms.follow(rules({tools: [{...tool, strict: true}]}), 'none').catch((thrown) => {
      error = thrown;
    });
    expect(error).to.have.property('code', 'grammar-invalid');
    const loose = await forms.follow(
      rules({tools: [{...tool, strict: false}], mustCall: true, parallel: false}),
      'none',
    );
    const [call] = callsOf(write(loose, randomNumbers(1), 5000));
    expect(call.name).to.equal('a');
  });

  it('begin after a thought, which is free', async () => {
    const constraint = await forms.follow(rules({mustCall: true, parallel: false}), 'may');
    const [open, close] = [tag('<|channel>'), tag('<channel|>')];
    expect(constraint.forced()).to.deep.equal([]);
    expect(idsOf(constraint.allowed()!)).to.have.members([open, tag('<|tool_call>')]);
    constraint.accept(open);
    for (const id of tokenizer.encode('thought\nHm', {addBos: false})) {
      expect(constraint.allowed()).to.equal(null);
      constraint.accept(id);
    }
    constraint.accept(close);
    expect(constraint.forced()[0]).to.equal(tag('<|tool_call>'));
    const inThought = await forms.follow(rules({mustCall: true, parallel: false}), 'open');
    expect(inThought.allowed()).to.equal(null);
    inThought.accept(close);
    expect(idsOf(inThought.allowed()!)).to.deep.equal([tag('<|tool_call>')]);
  });
});

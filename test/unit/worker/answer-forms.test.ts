import {expect} from 'chai';
import type {GemmaError} from '../../../src/errors.ts';
import {closePorts, FakeWorker, rejection} from '../../helpers/fake-worker.ts';

const weather = {
  type: 'object',
  properties: {
    place: {enum: ['Bonn', 'Nîmes "sud"']},
    days: {type: 'integer', minimum: 1, maximum: 9},
    dry: {type: 'boolean'},
  },
  required: ['place', 'days', 'dry'],
  additionalProperties: false,
};
const json = (schema: unknown) => ({type: 'json_schema', json_schema: {name: 'answer', schema}}) as const;
const messages = [{role: 'user', content: 'How is it?'}] as const;

describe('answers of a form', () => {
  afterEach(closePorts);

  it('are under their schema whatever the model likes, streamed and whole, and end by themselves', async () => {
    const client = await new FakeWorker().load();
    for (let seed = 0; seed < 12; seed++) {
      const answer = await client.chat.completions.create({
        messages: [...messages],
        seed,
        response_format: json(weather),
      });
      const {place, days, dry, ...others} = JSON.parse(answer.choices[0].message.content!);
      expect(['Bonn', 'Nîmes "sud"']).to.include(place);
      expect(days).to.be.within(1, 9);
      expect(dry).to.be.a('boolean');
      expect(others).to.deep.equal({});
      expect(answer.choices[0].finish_reason).to.equal('stop');
    }
    let text = '';
    const stream = await client.chat.completions.create({
      messages: [...messages],
      stream: true,
      response_format: {type: 'regex', regex: '(yes|no){3}!'},
    });
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).to.match(/^(yes|no){3}!$/);
    const completion = await client.completions.create({
      prompt: 'Say',
      response_format: {type: 'regex', regex: 'a{5}'},
    });
    expect(completion.choices[0].text).to.equal('aaaaa');
  });

  it('share a batch with free ones, which stay as they are', async () => {
    const worker = new FakeWorker();
    const client = await worker.load();
    const free = {messages: [...messages], seed: 3, max_tokens: 20};
    const alone = await client.chat.completions.create(free);
    const before = worker.engine.batches.length;
    const [together, formed] = await Promise.all([
      client.chat.completions.create(free),
      client.chat.completions.create({messages: [...messages], seed: 1, response_format: json(weather)}),
    ]);
    expect(together.choices[0].message.content).to.equal(alone.choices[0].message.content);
    JSON.parse(formed.choices[0].message.content!);
    expect(Math.max(...worker.engine.batches.slice(before))).to.equal(2);
  });

  it('are refused by name where they cannot be enforced, and at once where they are none', async () => {
    const worker = new FakeWorker();
    const client = await worker.load();
    const ask = (response_format: unknown) =>
      rejection(client.chat.completions.create({messages: [...messages], response_format: response_format as never}));
    const error = await ask(json({properties: {a: {not: {type: 'string'}}}}));
    expect([error.code, (error as GemmaError).detail.pointer]).to.deep.equal(['grammar-invalid', '/properties/a/not']);
    expect(error.message).to.contain('not cannot be enforced');
    for (const none of [
      {type: 'yaml'},
      {type: 'json_schema'},
      {type: 'json_schema', json_schema: {schema: 7}},
      {type: 'regex'},
    ]) {
      expect((await ask(none)).code, JSON.stringify(none)).to.equal('option-invalid');
    }
    expect(worker.engine.steps).to.have.length(0);
  });

  it('say `length` where max_tokens cut them, and have log-probabilities', async () => {
    const client = await new FakeWorker().load();
    const options = {messages: [...messages], seed: 2, response_format: json(weather)};
    const cut = await client.chat.completions.create({...options, max_tokens: 3});
    expect(cut.choices[0].finish_reason).to.equal('length');
    const scored = await client.chat.completions.create({...options, logprobs: true});
    const bytes = scored.choices[0].logprobs!.content!.flatMap((token) => token.bytes);
    expect(new TextDecoder().decode(Uint8Array.from(bytes))).to.equal(scored.choices[0].message.content);
  });
});

// An answer for which the model uses the page's tools: what it is asked and told, what the visitor sees and allows.
import {expect, fixture, html} from '@open-wc/testing';
import type {ChatTool, GemmaChatElement} from '../../src/index.ts';
import {FakeClient} from './fake-client.ts';
import {Harness, record} from './harness.ts';

type Chat = Harness & {client: FakeClient};

async function open(tools: ChatTool[], more: Partial<GemmaChatElement> = {}): Promise<Chat> {
  const client = new FakeClient();
  const el = await fixture<GemmaChatElement>(
    html`<gemma-chat .client=${client.asClient()} .tools=${tools}></gemma-chat>`,
  );
  Object.assign(el, more);
  return Object.assign(new Harness(el), {client});
}

const weather = (more: Partial<ChatTool> = {}): ChatTool => ({
  name: 'weather',
  description: 'Weather of a city',
  parameters: {type: 'object', properties: {city: {type: 'string'}}},
  execute: ({city}) => ({city, celsius: 21}),
  ...more,
});

const states = (chat: Chat) => chat.parts('tool').map((tool) => tool.part[1]);

describe('<gemma-chat> with tools', () => {
  it('runs what the model calls, tells it the result, and shows both', async () => {
    const chat = await open([weather()]);
    const events = record<{name: string; state: string; result: string}>(document, 'gemma-chat-tool');
    await chat.ask('Weather in Rome?');
    await chat.until(() => chat.client.answers.length === 1);
    expect(chat.client.lastAnswer.call.tools).to.deep.equal([
      {
        type: 'function',
        function: {
          name: 'weather',
          description: 'Weather of a city',
          parameters: {type: 'object', properties: {city: {type: 'string'}}},
        },
      },
    ]);
    chat.client.lastAnswer.text('Let me look.').callTool('weather', {city: 'Rome'}).end('tool_calls');
    await chat.until(() => chat.client.answers.length === 2);
    const result = '{"city":"Rome","celsius":21}';
    expect(chat.client.lastAnswer.call.messages.slice(1)).to.deep.equal([
      {
        role: 'assistant',
        content: 'Let me look.',
        tool_calls: [{id: 'call_weather', type: 'function', function: {name: 'weather', arguments: '{"city":"Rome"}'}}],
      },
      {role: 'tool', name: 'weather', tool_call_id: 'call_weather', content: result},
    ]);
    chat.client.lastAnswer.text('It is 21 °C.').end();
    await chat.until(() => chat.el.status === 'ready');
    await chat.settle();
    expect(states(chat)).to.deep.equal(['tool-done']);
    expect(chat.part('tool-summary')!.textContent).to.equal('Used weather');
    expect(chat.part('tool-text')!.textContent.trim()).to.equal('Let me look.');
    expect(JSON.parse(chat.part('tool-arguments')!.textContent)).to.deep.equal({city: 'Rome'});
    expect(chat.part('tool-result')!.textContent).to.equal(result);
    expect(chat.turns).to.deep.equal(['Weather in Rome?', 'It is 21 °C.']);
    expect(events.map(({detail: {name, state}}) => `${name} ${state}`)).to.deep.equal([
      'weather running',
      'weather done',
    ]);
    expect(chat.announced).to.include.members(['Used weather', 'It is 21 °C.']);
    chat.part<HTMLDetailsElement>('tool-details')!.open = true;
    await expect(chat.el).to.be.accessible();
    // What was used is read again with the next question.
    await chat.ask('And tomorrow?');
    await chat.until(() => chat.client.answers.length === 3);
    expect(chat.client.lastAnswer.call.messages.map(({role}) => role)).to.deep.equal([
      ...['user', 'assistant', 'tool', 'assistant', 'user'],
    ]);
  });

  it('asks the visitor where the site wants it, and does as told', async () => {
    let runs = 0;
    const chat = await open([weather({confirm: true, execute: () => ++runs})]);
    for (const [press, state, told] of [
      ['Do not allow', 'tool-refused', 'The visitor did not allow this call.'],
      ['Allow', 'tool-done', '1'],
    ]) {
      await chat.ask('Weather?');
      await chat.until(() => chat.client.answers.length % 2 === 1);
      chat.client.lastAnswer.callTool('weather', {}).end('tool_calls');
      await chat.until(() => states(chat).at(-1) === 'tool-asking');
      expect(runs).to.equal(0);
      await expect(chat.el).to.be.accessible();
      const asked = chat.client.answers.length;
      await chat.click(press);
      await chat.until(() => chat.client.answers.length === asked + 1);
      expect(states(chat).at(-1)).to.equal(state);
      expect(chat.client.lastAnswer.call.messages.at(-1)!.content).to.equal(told);
      chat.client.lastAnswer.text('So.').end();
      await chat.until(() => chat.el.status === 'ready');
    }
    expect(runs).to.equal(1);
  });

  it('tells the model what failed: a tool that throws, none of that name, arguments that are no object', async () => {
    const fails = weather({
      execute: () => {
        throw new Error('no such city');
      },
    });
    const chat = await open([fails]);
    for (const [name, args, told] of [
      ['weather', {city: 'x'}, 'no such city'],
      ['delete_all', {}, 'there is no tool delete_all'],
      ['weather', [1], 'the arguments are no object'],
    ] as const) {
      const before = chat.client.answers.length;
      await chat.ask('Q');
      await chat.until(() => chat.client.answers.length === before + 1);
      chat.client.lastAnswer.callTool(name, args).end('tool_calls');
      await chat.until(() => chat.client.answers.length === before + 2);
      expect(chat.client.lastAnswer.call.messages.at(-1)!.content).to.equal(told);
      expect(states(chat).at(-1)).to.equal('tool-failed');
      chat.client.lastAnswer.text('A').end();
      await chat.until(() => chat.el.status === 'ready');
    }
    await expect(chat.el).to.be.accessible();
  });

  it('stops with the answer, and ends a model that calls for ever', async () => {
    const chat = await open([weather({execute: () => new Promise(() => {})})]);
    await chat.ask('Q');
    await chat.until(() => chat.client.answers.length === 1);
    chat.client.lastAnswer.callTool('weather', {}).end('tool_calls');
    await chat.until(() => states(chat)[0] === 'tool-running');
    chat.el.stop();
    await chat.until(() => chat.el.status === 'ready');
    expect(states(chat)).to.deep.equal(['tool-stopped']);
    chat.el.clear();
    chat.el.tools = [weather()];
    await chat.ask('Q');
    let rounds = 0;
    while (rounds < 20) {
      const count = chat.client.answers.length;
      if (!chat.client.lastAnswer.call.tools) break;
      chat.client.lastAnswer.callTool('weather', {}).end('tool_calls');
      rounds += 1;
      await chat.until(() => chat.client.answers.length > count);
    }
    expect(rounds).to.equal(8);
    chat.client.lastAnswer.text('Enough.').end();
    await chat.until(() => chat.el.status === 'ready');
    expect(chat.turns.at(-1)).to.equal('Enough.');
  });
});

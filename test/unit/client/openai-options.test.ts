// What programs written for OpenAI send: each option that is accepted has an effect, and what cannot be met is refused by name.
import {expect} from 'chai';
import type {ChatCompletionParams, GemmaClient, GemmaError} from '../../../src/client/index.ts';
import type {ToolDefinition} from '../../../src/protocol/messages.ts';
import {says, someToken, tinyTokenizer} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker, rejection, until} from '../../helpers/fake-worker.ts';

const messages = [{role: 'user' as const, content: 'Hello'}];
const greedy = {temperature: 0} as const;
const tool = (name: string): ToolDefinition => ({type: 'function', function: {name, parameters: {type: 'object'}}});
const tools = [tool('add'), tool('weather')];
const CALL = '<|tool_call>call:add{a:1}<tool_call|>';

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** What is wrong with a request, before anything is sent. */
async function refusal(params: object, options?: object): Promise<GemmaError> {
  const worker = new FakeWorker();
  const client = await worker.load();
  const call = client.chat.completions.create({messages, ...params} as ChatCompletionParams, options);
  const error = await rejection(call);
  expect(worker.engine.steps).to.have.length(0);
  return error as GemmaError;
}

describe('OpenAI’s options', () => {
  afterEach(closePorts);

  describe('sampling', () => {
    const tokens = async (options: object) => {
      const client = await new FakeWorker({next: () => 333}).load();
      const params = {prompt: 'the page', max_tokens: 8, logprobs: 0, ...greedy, ...options};
      return (await client.completions.create(params)).choices[0].logprobs!.tokens;
    };

    it('frequency_penalty and presence_penalty: what the answer has is not said again and again', async () => {
      expect(new Set(await tokens({})).size).to.equal(1);
      for (const options of [{frequency_penalty: 2}, {presence_penalty: 2}]) {
        expect(new Set(await tokens(options)).size, JSON.stringify(options)).to.be.greaterThan(2);
      }
      expect(new Set(await tokens({frequency_penalty: -2, presence_penalty: -2})).size).to.equal(1);
    });

    it('logit_bias: a token that is never said, and one that always is', async () => {
      const said = tinyTokenizer().decode([333], {special: true});
      expect(new Set(await tokens({}))).to.deep.equal(new Set([said]));
      expect(await tokens({logit_bias: {333: -100}})).not.to.include(said);
      const other = tinyTokenizer().decode([400], {special: true});
      expect(new Set(await tokens({logit_bias: {400: 100}}))).to.deep.equal(new Set([other]));
      expect((await rejection(tokens({logit_bias: {99999: 1}}))).message).to.match(/logit_bias has token 99999/);
    });

    it('max_completion_tokens is max_tokens', async () => {
      const client = await new FakeWorker({next: someToken}).load();
      const {usage, choices} = await client.chat.completions.create({messages, max_completion_tokens: 3, ...greedy});
      expect([usage.completion_tokens, choices[0].finish_reason]).to.deep.equal([3, 'length']);
    });
  });

  describe('n', () => {
    const wild = {temperature: 50, top_k: 0, top_p: 1, max_tokens: 6, seed: 7} as const;
    const prompt = 'The page asks, the worker answers, and every tab shares the same model. '.repeat(3);

    it('answers differ as those of seed, seed + 1, … do; the prompt is computed once, and all are in one batch', async () => {
      const worker = new FakeWorker({next: someToken, contextLength: 512});
      const client = await worker.load();
      const long = [{role: 'user' as const, content: prompt}];
      const {choices, usage} = await client.chat.completions.create({messages: long, n: 3, ...wild});
      expect(choices.map(({index}) => index)).to.deep.equal([0, 1, 2]);
      expect(usage.completion_tokens).to.equal(18);
      expect(usage.total_tokens).to.equal(usage.prompt_tokens + 18);
      // Pages of 32 positions are shared; beyond the last whole one each computes its own.
      const rows = worker.engine.steps.reduce((sum, step) => sum + step.rows, 0);
      expect(rows).to.be.below(usage.prompt_tokens + 2 * 32 + 18);
      expect(Math.max(...worker.engine.batches)).to.equal(3);
      for (const [i, choice] of choices.entries()) {
        const alone = await client.chat.completions.create({messages: long, ...wild, seed: 7 + i});
        expect(choice.message, `choice ${i}`).to.deep.equal(alone.choices[0].message);
      }
      expect(new Set(choices.map(({message}) => message.content)).size).to.equal(3);
    });

    it('streams them side by side, each by its index, the tokens of all in the last chunk', async () => {
      const client = await new FakeWorker({next: someToken}).load();
      const options = {messages, n: 2, ...wild};
      const whole = await client.chat.completions.create(options);
      const chunks = await all(await client.chat.completions.create({...options, stream: true}));
      for (const {index, message} of whole.choices) {
        const own = chunks.flatMap(({choices}) => choices.filter((choice) => choice.index === index));
        expect(own.map(({delta}) => delta.content ?? '').join('')).to.equal(message.content);
        expect(own.filter(({delta}) => delta.role)).to.have.length(1);
        expect(own.at(-1)?.finish_reason).to.equal(whole.choices[index].finish_reason);
      }
      expect(chunks.filter(({usage}) => usage)).to.have.length(1);
      expect(chunks.at(-1)?.usage).to.deep.include({completion_tokens: whole.usage.completion_tokens});
    });

    it('text completions too', async () => {
      const client = await new FakeWorker({next: someToken}).load();
      const {choices} = await client.completions.create({prompt: 'the page', n: 2, ...wild});
      expect(new Set(choices.map(({text}) => text)).size).to.equal(2);
    });

    it('leaving the stream stops them all', async () => {
      const worker = new FakeWorker({next: someToken});
      const client = await worker.load();
      for await (const _ of await client.chat.completions.create({messages, n: 3, stream: true})) break;
      await until(() => worker.engine.alive === 0);
      expect((await client.stats()).batch.running).to.equal(0);
    });
  });

  describe('tool_choice', () => {
    const ask = async (next: (tokens: readonly number[]) => number, options: object) => {
      const client = await new FakeWorker({next, contextLength: 512}).load();
      const {choices} = await client.chat.completions.create({messages, tools, ...greedy, ...options});
      return choices[0];
    };
    const names = ({message}: Awaited<ReturnType<typeof ask>>) =>
      (message.tool_calls ?? []).map((call) => call.function.name);
    /** Goes on after `call:`, however the call was begun. */
    const goesOn = says('weather{a:1}<tool_call|>', '<|tool_response>');

    it('auto leaves it to the model, none allows no call', async () => {
      const calls = says(`${CALL}`, '<|tool_response>');
      expect(names(await ask(calls, {}))).to.deep.equal(['add']);
      expect(names(await ask(calls, {tool_choice: 'auto'}))).to.deep.equal(['add']);
      const none = await ask(calls, {tool_choice: 'none', max_tokens: 12});
      expect([names(none), none.finish_reason]).to.deep.equal([[], 'length']);
    });

    it('required: the answer begins with a call, of the one tool there is or of one the model names', async () => {
      const named = await ask(says('a:2}<tool_call|>', '<|tool_response>'), {
        tools: [tools[0]],
        tool_choice: 'required',
      });
      expect([names(named), named.finish_reason]).to.deep.equal([['add'], 'tool_calls']);
      expect(JSON.parse(named.message.tool_calls![0].function.arguments)).to.deep.equal({a: 2});
      expect(names(await ask(goesOn, {tool_choice: 'required'}))).to.deep.equal(['weather']);
    });

    it('a function: that one is called, once, also after a thought that was asked for', async () => {
      const choice = {tool_choice: {type: 'function', function: {name: 'weather'}}};
      const twice = says(`a:1}<tool_call|>${CALL}`, '<|tool_response>');
      expect(names(await ask(twice, choice))).to.deep.equal(['weather']);
      const thinks = says('<|channel>thought\nthink this<channel|>');
      const close = tinyTokenizer().idOf('<channel|>') as number;
      const first = await ask((tokens) => (tokens.includes(close) ? twice : thinks)(tokens), {
        ...choice,
        thinking: true,
      });
      expect([names(first), first.message.reasoning_content]).to.deep.equal([['weather'], 'think this']);
    });

    it('allowed_tools: the model is offered no others', async () => {
      const client = await new FakeWorker({next: goesOn, contextLength: 512}).load();
      const allowed_tools = {mode: 'required', tools: [{type: 'function', function: {name: 'weather'}}]} as const;
      const choice = {type: 'allowed_tools', allowed_tools} as const;
      const {usage} = await client.chat.completions.create({messages, tools, tool_choice: choice, max_tokens: 0});
      const prompt = await client.applyTemplate(messages, {tools: [tools[1]]});
      expect(usage.prompt_tokens).to.equal((await client.tokenize(prompt, {addBos: false, parseSpecial: true})).length);
    });

    it('parallel_tool_calls: false ends the answer after its first call', async () => {
      const two = says(`${CALL}${CALL}`, '<|tool_response>');
      expect(names(await ask(two, {}))).to.deep.equal(['add', 'add']);
      const one = await ask(two, {parallel_tool_calls: false});
      expect([names(one), one.finish_reason]).to.deep.equal([['add'], 'tool_calls']);
    });
  });

  it('stream_options.include_usage: in a chunk of its own, or not at all', async () => {
    const client = await new FakeWorker({next: says('the page')}).load();
    const stream = async (include_usage: boolean) =>
      all(await client.chat.completions.create({messages, stream: true, stream_options: {include_usage}, ...greedy}));
    const chunks = await stream(true);
    const spoken = tinyTokenizer().encode('the page', {addBos: false});
    expect(chunks.at(-1)?.choices).to.deep.equal([]);
    expect(chunks.at(-1)?.usage?.completion_tokens).to.equal(spoken.length + 1);
    expect(chunks.slice(0, -1).every(({usage}) => usage === null)).to.equal(true);
    expect((await stream(false)).some(({usage}) => usage)).to.equal(false);
  });

  it('reasoning_effort lets the model think or not', async () => {
    const client = await new FakeWorker({next: says('the page')}).load();
    const tokensOf = async (options: object) =>
      (await client.chat.completions.create({messages, max_tokens: 0, ...options})).usage.prompt_tokens;
    const [plain, thinking] = [await tokensOf({thinking: false}), await tokensOf({thinking: true})];
    expect(thinking).to.be.greaterThan(plain);
    for (const reasoning_effort of ['none', 'minimal']) expect(await tokensOf({reasoning_effort})).to.equal(plain);
    for (const reasoning_effort of ['low', 'medium', 'high', 'xhigh']) {
      expect(await tokensOf({reasoning_effort})).to.equal(thinking);
    }
  });

  it('the role developer is a system’s', async () => {
    const client = await new FakeWorker().load();
    const prompt = (role: 'system' | 'developer') => client.applyTemplate([{role, content: 'Be kind.'}, ...messages]);
    expect(await prompt('developer')).to.equal(await prompt('system'));
    expect(await prompt('developer')).to.include('Be kind.');
  });

  it('usage says what was cached and what was thought', async () => {
    const client = await new FakeWorker({next: says('<|channel>thought\nthink this<channel|>the page')}).load();
    const first = await client.chat.completions.create({messages, thinking: true, ...greedy});
    const {reasoning_tokens} = first.usage.completion_tokens_details;
    const spoken = tinyTokenizer().encode('the page', {addBos: false}).length;
    expect(reasoning_tokens).to.equal(first.usage.completion_tokens - spoken - 1);
    expect(first.usage.prompt_tokens_details).to.deep.equal({cached_tokens: 0});
    const next = [...messages, first.choices[0].message, {role: 'user' as const, content: 'And then? '.repeat(20)}];
    const {usage} = await client.chat.completions.create({messages: next, max_tokens: 1, ...greedy});
    expect(usage.prompt_tokens_details.cached_tokens).to.equal(usage.cached_tokens);
  });

  describe('the second argument', () => {
    const started = async () => {
      const worker = new FakeWorker({next: someToken});
      return {worker, client: await worker.load()};
    };

    it('signal: ends the answer as the option does', async () => {
      const {worker, client} = await started();
      const abort = new AbortController();
      const options = {signal: abort.signal, maxRetries: 0};
      const answer = rejection(client.chat.completions.create({messages, ...greedy}, options));
      await until(() => worker.engine.steps.length > 6);
      abort.abort();
      expect((await answer).name).to.equal('AbortError');
      await until(() => worker.engine.alive === 0);
      const again = new AbortController();
      const second = {signal: again.signal};
      const chunks = [];
      const params = {messages, stream: true, signal: new AbortController().signal, ...greedy} as const;
      for await (const chunk of await client.chat.completions.create(params, second)) {
        chunks.push(chunk);
        if (chunks.length === 3) again.abort();
      }
      expect(chunks.at(-1)?.choices[0].finish_reason).to.equal('abort');
    });

    it('timeout: a TimeoutError, in a stream too', async () => {
      const {worker, client} = await started();
      worker.engine.beforeStep = () => new Promise((resolve) => setTimeout(resolve, 2));
      const timed = {timeout: 20};
      const whole = client.chat.completions.create({messages, ...greedy}, timed);
      expect((await rejection(whole)).name).to.equal('TimeoutError');
      const stream = await client.completions.create({prompt: 'x', stream: true}, timed);
      expect((await rejection(all(stream))).name).to.equal('TimeoutError');
      await until(() => worker.engine.alive === 0);
    });

    it('is checked', async () => {
      expect((await refusal({}, {timeout: -1})).message).to.match(/timeout is -1; expected milliseconds/);
      expect((await refusal({}, {retries: 1})).code).to.equal('option-unknown');
    });
  });

  it('client.models.list() has the one model', async () => {
    const client = await new FakeWorker().load();
    const {object, data} = await client.models.list();
    expect(object).to.equal('list');
    expect(data).to.deep.equal([{id: client.model.name, object: 'model', created: 0, owned_by: 'gemma-chat'}]);
  });

  it('accepts what is sent for a server’s books, and what is so anyway', async () => {
    const client: GemmaClient = await new FakeWorker({next: says('the page')}).load();
    const {choices} = await client.chat.completions.create({
      ...{messages, model: 'gpt-5', user: 'u', metadata: {a: 'b'}, store: true, service_tier: 'auto'},
      ...{safety_identifier: 's', prompt_cache_key: 'k', prompt_cache_retention: '24h', n: 1, verbosity: 'medium'},
      ...{response_format: {type: 'text'}, modalities: ['text'], prediction: {type: 'content', content: 'x'}},
      ...{frequency_penalty: 0, logit_bias: {}, tool_choice: 'none', ...greedy},
    } as ChatCompletionParams & {stream?: false});
    expect(choices[0].message.content).to.equal('the page');
  });

  describe('refuses by name', () => {
    it('everything that is wrong in one error, with the first wrong message’s index', async () => {
      const error = await refusal({
        messages: [
          {role: 'user', content: 'x'},
          {role: 'bot', content: 'x'},
          {role: 'user', content: [{type: 'image_url'}]},
          7,
        ],
        temperature: -1,
        audio: {voice: 'alloy'},
        beams: 2,
        n: 100,
      });
      expect(error.code).to.equal('option-invalid');
      for (const part of [
        /has no option "audio": the model does not speak/,
        /has no option "beams"; it has .*temperature/,
        /messages\[1\]\.role is "bot"; expected system, user, assistant or tool/,
        /messages\[2\]\.content\[0\]\.type is "image_url"; expected text/,
        /messages\[3\] is 7; expected a message/,
        /temperature is -1; expected a number from 0 to 100/,
        /n is 100; expected an integer from 1 to 16/,
      ]) {
        expect(error.message).to.match(part);
      }
      expect(error.detail).to.include({option: 'audio', index: 1});
      expect(error.detail?.options).to.have.members(['audio', 'beams', 'messages', 'n', 'temperature']);
    });

    const wrong: [string, object, string, RegExp][] = [
      ['functions', {functions: []}, 'option-unknown', /"functions"; use tools/],
      ['web search', {web_search_options: {}}, 'option-unknown', /nothing leaves the device/],
      ['sound', {modalities: ['text', 'audio']}, 'option-invalid', /modalities is an array of 2; expected \['text'\]/],
      ['another length', {verbosity: 'low'}, 'option-invalid', /verbosity is "low"; expected medium/],
      [
        'two lengths',
        {max_tokens: 1, max_completion_tokens: 2},
        'option-invalid',
        /nothing beside max_completion_tokens/,
      ],
      ['two wishes', {thinking: true, reasoning_effort: 'low'}, 'option-invalid', /nothing beside reasoning_effort/],
      ['an effort', {reasoning_effort: 'max'}, 'option-invalid', /expected none, minimal, low/],
      ['a call without tools', {tool_choice: 'required'}, 'option-invalid', /tool_choice is "required"/],
      [
        'a tool that is not there',
        {tools, tool_choice: {type: 'function', function: {name: 'x'}}},
        'option-invalid',
        /one of the tools/,
      ],
      [
        'allowed tools that are not there',
        {tools, tool_choice: {type: 'allowed_tools', allowed_tools: {tools: []}}},
        'option-invalid',
        /some of the tools/,
      ],
      ['another choice', {tools, tool_choice: {type: 'custom'}}, 'option-invalid', /auto, none, required/],
      ['usage of no stream', {stream_options: {include_usage: true}}, 'option-invalid', /stream: true beside it/],
      ['a bias that is none', {logit_bias: {a: 1}}, 'option-invalid', /by token id/],
      ['spoken answers', {messages: [{role: 'assistant', audio: {id: 'x'}}]}, 'option-invalid', /messages\[0\]\.audio/],
    ];
    for (const [name, params, code, message] of wrong) {
      it(name, async () => {
        const error = await refusal(params);
        expect([error.code, error.message]).to.satisfy(
          () => error.code === code && message.test(error.message),
          error.message,
        );
      });
    }
  });
});

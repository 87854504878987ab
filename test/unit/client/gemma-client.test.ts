import {expect} from 'chai';
import type {Platform} from '../../../src/client/connect.ts';
import {GemmaClient, type LoadOptions} from '../../../src/client/gemma-client.ts';
import type {ChatCompletionChunk, RequestProgress} from '../../../src/client/shapes.ts';
import {GemmaError} from '../../../src/errors.ts';
import {type Attention, PROTOCOL_VERSION} from '../../../src/protocol/messages.ts';
import {continuation, says, someToken, tinyTokenizer} from '../../helpers/fake-engine.ts';
import {
  BEAT_MS,
  closePorts,
  FakeLocks,
  type FakeModel,
  FakeWorker,
  type FakeWorkerOptions,
  fakeModel,
  impatient,
  rejection,
  until,
} from '../../helpers/fake-worker.ts';
import {ggufAdapter} from '../adapters/adapter-files.ts';

const hello = [{role: 'user' as const, content: 'Hello'}];

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const greedy = {temperature: 0} as const;

describe('GemmaClient', () => {
  afterEach(closePorts);

  describe('chat.completions', () => {
    it('answers with a completion in OpenAI’s shape', async () => {
      const client = await new FakeWorker({next: says('the next token')}).load();
      const result = await client.chat.completions.create({messages: hello, ...greedy});
      expect(result.object).to.equal('chat.completion');
      expect(result.model).to.equal('Fake');
      expect(result.choices[0]).to.deep.equal({
        index: 0,
        message: {role: 'assistant', content: 'the next token'},
        logprobs: null,
        finish_reason: 'stop',
      });
      const {prompt_tokens, completion_tokens, total_tokens, cached_tokens} = result.usage;
      const spoken = tinyTokenizer().encode('the next token', {addBos: false}).length;
      expect(completion_tokens).to.equal(spoken + 1); // with the token that ends the turn
      expect([total_tokens, cached_tokens]).to.deep.equal([prompt_tokens + completion_tokens, 0]);
    });

    it('streams the same text in chunks, role first, reason and usage last', async () => {
      const client = await new FakeWorker({next: says('the next token')}).load();
      const chunks = await all(await client.chat.completions.create({messages: hello, stream: true, ...greedy}));
      expect(chunks.map(({choices}) => choices[0].delta.content ?? '').join('')).to.equal('the next token');
      expect(chunks[0].choices[0].delta.role).to.equal('assistant');
      expect(chunks.map(({choices}) => choices[0].finish_reason).filter(Boolean)).to.deep.equal(['stop']);
      expect(chunks.at(-1)?.usage?.completion_tokens).to.be.greaterThan(1);
      expect(new Set(chunks.map(({id}) => id)).size).to.equal(1);
    });

    it('keeps thinking apart from the answer', async () => {
      const worker = new FakeWorker({next: says('<|channel>thought\nthink this through<channel|>the page')});
      const client = await worker.load();
      const {choices} = await client.chat.completions.create({messages: hello, thinking: true, ...greedy});
      expect(choices[0].message).to.deep.equal({
        role: 'assistant',
        content: 'the page',
        reasoning_content: 'think this through',
      });
      const prompt = await client.applyTemplate(hello, {thinking: true});
      expect(prompt).to.include('<|think|>');
    });

    it('returns tool calls whole, with the reason `tool_calls`', async () => {
      const next = says('<|tool_call>call:add{a:1,b:<|"|>two<|"|>}<tool_call|>', '<|tool_response>');
      const client = await new FakeWorker({next}).load();
      const chunks = await all(await client.chat.completions.create({messages: hello, stream: true, ...greedy}));
      const calls = chunks.flatMap(({choices}) => choices[0].delta.tool_calls ?? []);
      expect(calls.map((call) => [call.index, call.function.name, JSON.parse(call.function.arguments)])).to.deep.equal([
        [0, 'add', {a: 1, b: 'two'}],
      ]);
      expect(chunks.at(-1)?.choices[0].finish_reason).to.equal('tool_calls');
      const again = await client.chat.completions.create({messages: hello, ...greedy});
      expect(again.choices[0].message.tool_calls).to.have.length(1);
    });

    it('takes its own answer back as a message, with text parts and nulls as OpenAI’s clients send them', async () => {
      const client = await new FakeWorker({next: says('the page')}).load();
      const {choices} = await client.chat.completions.create({messages: hello, ...greedy});
      const messages = [
        ...hello,
        choices[0].message,
        {
          role: 'user' as const,
          content: [
            {type: 'text' as const, text: 'And '},
            {type: 'text' as const, text: 'then?'},
          ],
        },
      ];
      expect(await client.applyTemplate(messages))
        .to.include('model\nthe page<turn|>')
        .and.to.include('And then?');
      const next = await client.chat.completions.create({messages, stop: null, tools: null, seed: null, ...greedy});
      // The first turn and its answer are in the cache already.
      expect(next.usage.cached_tokens).to.be.greaterThan(next.usage.prompt_tokens / 2);
    });
  });

  describe('options have their effects', () => {
    const create = (client: GemmaClient, options: Record<string, unknown>) =>
      client.completions.create({prompt: 'the page', max_tokens: 12, ...options});
    // Flat enough that every sampling option matters; the second likeliest is `50`.
    const flat = () => new FakeWorker({next: (tokens) => someToken(tokens)}).load();
    const textOf = async (client: GemmaClient, options: Record<string, unknown>) =>
      (await create(client, options)).choices[0].text;

    it('temperature 0, top_k 1, a tiny top_p and min_p 1 are greedy; a high temperature is not', async () => {
      const client = await flat();
      const ids = continuation(tinyTokenizer().encode('the page'), 12);
      const greedyText = tinyTokenizer().decode(ids);
      for (const option of [{temperature: 0}, {top_k: 1}, {top_p: 1e-6}, {min_p: 1}]) {
        expect(
          await textOf(client, {temperature: 100, top_k: 0, top_p: 1, seed: 1, ...option}),
          JSON.stringify(option),
        ).to.equal(greedyText);
      }
      expect(await textOf(client, {temperature: 100, top_k: 0, top_p: 1, seed: 1})).not.to.equal(greedyText);
    });

    it('seed: the same seed gives the same text, another another', async () => {
      const client = await flat();
      const wild = {temperature: 50, top_k: 0, top_p: 1};
      const text = await textOf(client, {...wild, seed: 7});
      expect(await textOf(client, {...wild, seed: 7})).to.equal(text);
      expect(await textOf(client, {...wild, seed: 8})).not.to.equal(text);
    });

    it('repetition_penalty: what was said is not said again', async () => {
      const client = await new FakeWorker({next: () => 333}).load();
      const ids = async (options: object) =>
        (await create(client, {temperature: 0, logprobs: 0, ...options})).choices[0].logprobs?.tokens;
      expect(new Set(await ids({})).size).to.equal(1);
      expect(new Set(await ids({repetition_penalty: 100})).size).to.be.greaterThan(1);
    });

    it('max_tokens ends with `length` after exactly that many', async () => {
      const client = await flat();
      const {usage, choices} = await create(client, {max_tokens: 5, temperature: 0});
      expect([usage.completion_tokens, choices[0].finish_reason]).to.deep.equal([5, 'length']);
    });

    it('the context’s end is a `length` too', async () => {
      const client = await new FakeWorker({contextLength: 20}).load();
      const {usage, choices} = await client.completions.create({prompt: 'the page', ...greedy});
      expect([usage.total_tokens, choices[0].finish_reason]).to.deep.equal([20, 'length']);
    });

    it('stop: a string or several; the text ends before it, with what it held back gone', async () => {
      const client = await new FakeWorker({next: says('one two three')}).load();
      for (const stop of [' two', [' three', ' t']]) {
        const {choices} = await client.completions.create({prompt: 'x', stop, ...greedy});
        expect([choices[0].text, choices[0].finish_reason]).to.deep.equal(['one', 'stop']);
      }
    });

    it('logprobs: one entry a token of the text, with as many alternatives as asked', async () => {
      const client = await new FakeWorker({next: says('the next token')}).load();
      const options = {messages: hello, logprobs: true, top_logprobs: 3, ...greedy};
      const {choices} = await client.chat.completions.create(options);
      const entries = choices[0].logprobs?.content ?? [];
      expect(entries.map(({token}) => token).join('')).to.equal('the next token');
      for (const entry of entries) {
        expect(entry.top_logprobs).to.have.length(3);
        expect(entry.top_logprobs[0]).to.deep.equal({token: entry.token, bytes: entry.bytes, logprob: entry.logprob});
        expect(entry.logprob).to.be.within(-5, 0);
      }
      expect(new TextDecoder().decode(Uint8Array.from(entries.flatMap(({bytes}) => bytes)))).to.equal('the next token');
    });

    it('logprobs leave out what a stop string cut away', async () => {
      const client = await new FakeWorker({next: says('one two three')}).load();
      const {choices} = await client.completions.create({prompt: 'x', stop: ' two', logprobs: 0, ...greedy});
      expect(choices[0].logprobs?.tokens.join('')).to.equal('one');
    });

    it('tools and thinking reach the prompt of a chat', async () => {
      const client = await new FakeWorker({next: says('the page')}).load();
      const tools = [{type: 'function' as const, function: {name: 'add', description: 'adds', parameters: {}}}];
      for (const options of [{}, {tools}, {thinking: true}]) {
        const {usage} = await client.chat.completions.create({messages: hello, ...options, ...greedy});
        const prompt = await client.applyTemplate(hello, options);
        const ids = await client.tokenize(prompt, {parseSpecial: true});
        expect(usage.prompt_tokens).to.equal(ids.length);
        expect([prompt.includes('<|tool>'), prompt.includes('<|think|>')]).to.deep.equal([
          'tools' in options,
          'thinking' in options,
        ]);
      }
    });

    it('contextLength reaches the engine, and clients may ask for less than there is', async () => {
      const worker = new FakeWorker();
      const client = await worker.load({contextLength: 64});
      expect(client.model.contextLength).to.equal(64);
      expect((await worker.load({contextLength: 32})).model.contextLength).to.equal(64);
    });
  });

  it('perLayerEmbeddings reaches the load of the model', async () => {
    const asked: unknown[] = [];
    const worker = new FakeWorker({
      load: async (_ref, {perLayerEmbeddings}) => {
        asked.push(perLayerEmbeddings);
        return fakeModel();
      },
    });
    await worker.load({perLayerEmbeddings: 'host'});
    expect(asked).to.deep.equal(['host']);
  });

  describe('completions with echo', () => {
    it('scores every token of the prompt as a fresh run would', async () => {
      const worker = new FakeWorker({chunkSize: 4});
      const client = await worker.load();
      const prompt = 'The page asks, the worker answers.';
      const options = {prompt, echo: true, logprobs: 2, max_tokens: 0};
      const {choices, usage} = await client.completions.create(options);
      expect([choices[0].text, choices[0].finish_reason, usage.completion_tokens]).to.deep.equal([prompt, 'length', 0]);

      const ids = tinyTokenizer().encode(prompt);
      const {tokens, token_logprobs, top_logprobs, text_offset} = choices[0].logprobs!;
      expect(tokens).to.have.length(ids.length);
      expect([token_logprobs[0], top_logprobs[0]]).to.deep.equal([null, null]);
      for (let i = 1; i < ids.length; i++) {
        const logits = Array.from(worker.engine.logits(ids.slice(0, i)));
        const sum = logits.reduce((total, x) => total + Math.exp(x), 0);
        expect(token_logprobs[i]).to.be.closeTo(logits[ids[i]] - Math.log(sum), 1e-6);
        expect(Object.keys(top_logprobs[i]!)).to.have.length(2);
      }
      // bos is ours and no part of the text; from there on each token begins where the one before ended.
      expect(tokens[0]).to.equal('<bos>');
      expect(text_offset.slice(0, 2)).to.deep.equal([0, 0]);
      for (let i = 1; i < ids.length; i++) expect(prompt.slice(text_offset[i])).to.match(startingWith(tokens[i]));
      expect(worker.engine.steps.every(({logits, rows}) => logits === 'all' && rows <= 4)).to.equal(true);
    });

    it('scores the whole prompt though it is in the cache', async () => {
      const client = await new FakeWorker().load();
      const options = {prompt: 'the page asks', logprobs: 0, max_tokens: 0, echo: true};
      const first = await client.completions.create(options);
      await client.completions.create({prompt: 'the page asks', max_tokens: 1});
      const second = await client.completions.create(options);
      expect(second.choices).to.deep.equal(first.choices);
      expect(second.usage.cached_tokens).to.equal(0);
    });

    it('goes on after the prompt, offsets included', async () => {
      const client = await new FakeWorker({next: says(' then')}).load();
      const {choices} = await client.completions.create({prompt: 'the page', echo: true, logprobs: 0, ...greedy});
      expect(choices[0].text).to.equal('the page then');
      const {tokens, text_offset} = choices[0].logprobs!;
      expect(tokens.slice(1).join('')).to.equal('the page then');
      expect(text_offset.at(-1)).to.be.at.least('the page'.length);
    });

    it('echoes token ids as the text they stand for, control tokens written out', async () => {
      const client = await new FakeWorker().load();
      const ids = tinyTokenizer().encode('<|turn>user\nHi', {parseSpecial: true});
      const {choices} = await client.completions.create({prompt: ids, echo: true, logprobs: 0, max_tokens: 0});
      expect(choices[0].text).to.equal('<bos><|turn>user\nHi');
      expect(choices[0].logprobs?.tokens.join('')).to.equal(choices[0].text);
      expect(choices[0].logprobs?.text_offset[1]).to.equal('<bos>'.length);
    });

    it('counts offsets in UTF-16 even where a character is spread over tokens', async () => {
      const client = await new FakeWorker().load();
      const prompt = 'a 🦖 b';
      const {choices} = await client.completions.create({prompt, echo: true, logprobs: 0, max_tokens: 0});
      const {tokens, text_offset} = choices[0].logprobs!;
      expect(tokens.length).to.be.greaterThan(6); // 🦖 is in no corpus of ours: four byte tokens
      expect(text_offset.at(-1)).to.equal(prompt.length - (tokens.at(-1) as string).length);
    });
  });

  it('tokenizes and back, with and without control tokens', async () => {
    const client = await new FakeWorker().load();
    const ids = await client.tokenize('the page <turn|>');
    expect(ids[0]).to.equal(2);
    expect(await client.detokenize(ids)).to.equal('the page <turn|>');
    expect(await client.tokenize('the page', {addBos: false})).not.to.include(2);
    const special = await client.tokenize('<turn|>', {addBos: false, parseSpecial: true});
    expect(special).to.have.length(1);
    expect([await client.detokenize(special), await client.detokenize(special, {special: true})]).to.deep.equal([
      '',
      '<turn|>',
    ]);
    expect((await rejection(client.detokenize([99999]))).code).to.equal('option-invalid');
  });

  it('applies the template, with and without the opening of the answer', async () => {
    const client = await new FakeWorker().load();
    expect(await client.applyTemplate(hello)).to.equal('<bos><|turn>user\nHello<turn|>\n<|turn>model\n');
    expect(await client.applyTemplate(hello, {addGenerationPrompt: false})).to.equal(
      '<bos><|turn>user\nHello<turn|>\n',
    );
  });

  describe('refuses before it sends', () => {
    const cases: [string, (client: GemmaClient) => Promise<unknown>, string, RegExp][] = [
      [
        'an unknown chat option',
        (c) => c.chat.completions.create({messages: hello, beams: 2} as never),
        'option-unknown',
        /"beams"/,
      ],
      [
        'an unknown completion option',
        (c) => c.completions.create({prompt: 'x', top_logprobs: 2} as never),
        'option-unknown',
        /"top_logprobs"/,
      ],
      [
        'a temperature of -1',
        (c) => c.chat.completions.create({messages: hello, temperature: -1}),
        'option-invalid',
        /-1; expected a number from 0 to 100/,
      ],
      ['NaN', (c) => c.chat.completions.create({messages: hello, min_p: Number.NaN}), 'option-invalid', /min_p is NaN/],
      ['top_p 0', (c) => c.chat.completions.create({messages: hello, top_p: 0}), 'option-invalid', /above 0/],
      ['half a token', (c) => c.completions.create({prompt: 'x', max_tokens: 1.5}), 'option-invalid', /integer/],
      [
        'an empty stop string',
        (c) => c.completions.create({prompt: 'x', stop: ''}),
        'option-invalid',
        /none of them empty/,
      ],
      ['21 alternatives', (c) => c.completions.create({prompt: 'x', logprobs: 21}), 'option-invalid', /0 to 20/],
      [
        'alternatives without logprobs',
        (c) => c.chat.completions.create({messages: hello, top_logprobs: 2}),
        'option-invalid',
        /logprobs: true/,
      ],
      ['no messages', (c) => c.chat.completions.create({messages: []}), 'option-invalid', /at least one/],
      ['messages left out', (c) => c.chat.completions.create({} as never), 'option-invalid', /messages is missing/],
      [
        'a role it does not know',
        (c) => c.chat.completions.create({messages: [{role: 'bot', content: 'x'}]} as never),
        'option-invalid',
        /role/,
      ],
      [
        'a picture',
        (c) => c.chat.completions.create({messages: [{role: 'user', content: [{type: 'image_url'}]}]} as never),
        'option-invalid',
        /image_url/,
      ],
      ['a prompt of strings', (c) => c.completions.create({prompt: ['a']} as never), 'option-invalid', /token ids/],
      ['no text to tokenize', (c) => c.tokenize(5 as never), 'option-invalid', /expected a string/],
      [
        'a signal that is none',
        (c) => c.completions.create({prompt: 'x', signal: {} as never}),
        'option-invalid',
        /AbortSignal/,
      ],
    ];
    for (const [name, call, code, message] of cases) {
      it(name, async () => {
        const worker = new FakeWorker();
        const error = await rejection(call(await worker.load()));
        expect(error.code).to.equal(code);
        expect(error.message).to.match(message);
        expect(worker.engine.steps).to.have.length(0);
      });
    }

    it('in load too', async () => {
      const worker = new FakeWorker();
      expect((await rejection(worker.load({device: 'gpu'} as never))).code).to.equal('option-unknown');
      expect((await rejection(worker.load({contextLength: 0}))).code).to.equal('option-invalid');
      expect((await rejection(worker.load({perLayerEmbeddings: 'disk'} as never))).code).to.equal('option-invalid');
      expect((await rejection(worker.load({modelSrc: ''}))).code).to.equal('option-invalid');
      expect((await rejection(worker.load({modelSrc: undefined} as never))).message).to.match(/modelSrc is missing/);
      expect((await rejection(worker.load({workerSrc: 'http://['}))).code).to.equal('option-invalid');
      expect(worker.models).to.have.length(0);
    });
  });

  it('says what does not fit: prompt, context and what to do', async () => {
    const client = await new FakeWorker({contextLength: 8}).load();
    const error = await rejection(
      client.chat.completions.create({messages: [{role: 'user', content: 'word '.repeat(50)}]}),
    );
    expect(error.code).to.equal('context-overflow');
    expect(error.message).to.match(/tokens; with a context of 8 it may have 7\./);
    const stream = client.chat.completions.create({
      messages: [{role: 'user', content: 'word '.repeat(50)}],
      stream: true,
    });
    expect((await rejection(stream.then(all<ChatCompletionChunk>))).code).to.equal('context-overflow');
  });

  describe('a chat that outgrows its context', () => {
    const turns = Array.from({length: 6}, (_, i) => ({
      role: i % 2 === 0 ? ('user' as const) : ('assistant' as const),
      content: `turn ${i}: the page asks the worker`,
    }));
    const long = [{role: 'system' as const, content: 'Be kind.'}, ...turns, {role: 'user' as const, content: 'hello'}];

    it('is refused by default, and loses whole turns where it asks for that: never silently', async () => {
      const client = await new FakeWorker({contextLength: 128, next: says('the page')}).load();
      const create = (context_overflow?: 'stop' | 'truncate-oldest') => {
        const seen: RequestProgress[] = [];
        const onProgress = (progress: RequestProgress) => seen.push(progress);
        const answer = client.chat.completions.create({messages: long, max_tokens: 20, context_overflow, onProgress});
        return {seen, answer};
      };
      expect((await rejection(create().answer)).code).to.equal('context-overflow');
      expect((await rejection(create('stop').answer)).code).to.equal('context-overflow');
      const {seen, answer} = create('truncate-oldest');
      const {usage} = await answer;
      expect(usage.prompt_tokens).to.be.at.most(128 - 20);
      const [truncated] = seen.filter(({phase}) => phase === 'truncated');
      expect(truncated).to.deep.equal({phase: 'truncated', messages: 2});
      const kept = await client.applyTemplate([long[0], ...long.slice(3)]);
      expect(usage.prompt_tokens).to.equal((await client.tokenize(kept, {addBos: false, parseSpecial: true})).length);
    });
  });

  describe('attention', () => {
    it('puts the client that is looked at first', async () => {
      const worker = new FakeWorker({maxSequences: 1});
      const ends: string[] = [];
      const talk = async (name: string, attention: Attention) => {
        const client = await worker.load({}, attention);
        return {
          name,
          speak: (count: number) =>
            client.completions
              .create({prompt: `the page ${name}`, max_tokens: count, ...greedy})
              .then(() => ends.push(name)),
        };
      };
      const hidden = await talk('hidden', 'hidden');
      const focused = await talk('focused', 'focused');
      const visible = await talk('visible', 'visible');
      const all = [hidden.speak(60)];
      await until(() => worker.engine.steps.length > 3);
      // Held until both have come, however long a port takes.
      const {scheduler} = worker.context.host.instance!;
      worker.engine.beforeStep = async () => {
        await until(() => scheduler.queued === 2);
        worker.engine.beforeStep = () => {};
      };
      all.push(visible.speak(5), focused.speak(5));
      await Promise.all(all);
      expect(ends).to.deep.equal(['focused', 'visible', 'hidden']);
    });
  });

  describe('aborts', () => {
    it('a stream during decode: ends with the reason `abort`, keeps what came', async () => {
      const worker = new FakeWorker();
      const client = await worker.load();
      const abort = new AbortController();
      const stream = await client.chat.completions.create({
        messages: hello,
        stream: true,
        signal: abort.signal,
        ...greedy,
      });
      const chunks: ChatCompletionChunk[] = [];
      for await (const chunk of stream) {
        chunks.push(chunk);
        if (chunks.length === 3) abort.abort();
      }
      expect(chunks.at(-1)?.choices[0].finish_reason).to.equal('abort');
      expect(chunks.at(-1)?.usage?.completion_tokens).to.be.within(3, 200);
      const steps = worker.engine.steps.length;
      await client.stats();
      expect(worker.engine.steps.length).to.equal(steps);
    });

    it('a promise: rejects with AbortError at once, and the worker stops within a step', async () => {
      const worker = new FakeWorker();
      const client = await worker.load();
      const abort = new AbortController();
      const answer = rejection(client.chat.completions.create({messages: hello, signal: abort.signal, ...greedy}));
      await until(() => worker.engine.steps.length > 6);
      abort.abort();
      expect((await answer).name).to.equal('AbortError');
      await client.stats(); // the worker has the abort by now
      const steps = worker.engine.steps.length;
      for (let i = 0; i < 5; i++) await client.stats();
      expect(worker.engine.steps.length).to.be.at.most(steps + 1);
    });

    it('during prefill: between two chunks', async () => {
      const worker = new FakeWorker({chunkSize: 2});
      const client = await worker.load();
      const abort = new AbortController();
      const seen: unknown[] = [];
      const stream = await client.completions.create({
        prompt: 'The page asks, the worker answers, and every tab shares the same model.',
        stream: true,
        signal: abort.signal,
        onProgress: (progress) => {
          seen.push(progress);
          if (seen.length === 3) abort.abort();
        },
      });
      const chunks = await all(stream);
      expect(chunks.map(({choices}) => choices[0].finish_reason)).to.deep.equal(['abort']);
      expect(chunks[0].usage?.completion_tokens).to.equal(0);
      const prompt = chunks[0].usage!.prompt_tokens;
      expect(worker.engine.steps.length).to.be.below(Math.ceil(prompt / 2));
    });

    it('in the queue: the others go on, the place is given up', async () => {
      const worker = new FakeWorker({maxSequences: 1});
      const [one, two, three] = [await worker.load(), await worker.load(), await worker.load()];
      const first = one.completions.create({prompt: 'the page', max_tokens: 200, ...greedy});
      await until(() => worker.engine.steps.length > 1);
      const abort = new AbortController();
      const second = two.chat.completions.create({messages: hello, signal: abort.signal, stream: true});
      await until(() => worker.context.host.instance?.scheduler.queued === 1);
      const positions: number[] = [];
      const third = three.completions.create({
        prompt: 'the page',
        max_tokens: 5,
        ...greedy,
        onProgress: (progress) => progress.phase === 'queued' && positions.push(progress.position),
      });
      await until(() => positions.length === 1);
      abort.abort();
      const chunks = await all(await second);
      expect(chunks[0].choices[0].finish_reason).to.equal('abort');
      expect(chunks[0].usage?.completion_tokens).to.equal(0);
      expect((await first).usage.completion_tokens).to.equal(200);
      expect((await third).usage.completion_tokens).to.equal(5);
      expect(positions).to.deep.equal([2, 1, 0]);
    });

    it('when a reader leaves its stream', async () => {
      const worker = new FakeWorker();
      const client = await worker.load();
      for await (const _ of await client.chat.completions.create({messages: hello, stream: true, ...greedy})) break;
      await client.stats();
      const steps = worker.engine.steps.length;
      for (let i = 0; i < 5; i++) await client.stats();
      expect(worker.engine.steps.length).to.be.at.most(steps + 1);
    });

    it('before anything is sent', async () => {
      const client = await new FakeWorker().load();
      const signal = AbortSignal.abort();
      expect((await rejection(client.chat.completions.create({messages: hello, signal}))).name).to.equal('AbortError');
      expect((await rejection(client.chat.completions.create({messages: hello, signal, stream: true}))).name).to.equal(
        'AbortError',
      );
      expect((await rejection(new FakeWorker().load({signal}))).name).to.equal('AbortError');
    });
  });

  describe('clients side by side', () => {
    it('never mix their keys and values', async () => {
      const worker = new FakeWorker();
      const clients = await Promise.all(Array.from({length: 3}, () => worker.load()));
      const prompts = ['the page asks', 'the page answers', 'the page shares'];
      const runs = clients.flatMap((client, i) =>
        [0, 1].map(async () => {
          const {choices, usage} = await client.completions.create({prompt: prompts[i], max_tokens: 10, ...greedy});
          const ids = continuation(tinyTokenizer().encode(prompts[i]), 10);
          expect(choices[0].text).to.equal(tinyTokenizer().decode(ids));
          return usage.completion_tokens;
        }),
      );
      expect(await Promise.all(runs)).to.deep.equal(new Array(6).fill(10));
      expect(worker.models).to.have.length(1);
      expect((await clients[0].stats()).clients).to.equal(3);
    });

    it('keep what a turn computed for the next one', async () => {
      const client = await new FakeWorker().load();
      const first = await client.completions.create({prompt: 'the page', max_tokens: 6, ...greedy});
      const prompt = [
        ...tinyTokenizer().encode('the page'),
        ...continuation(tinyTokenizer().encode('the page'), 6),
        400,
      ];
      const second = await client.completions.create({prompt, max_tokens: 6, ...greedy});
      expect(first.usage.cached_tokens).to.equal(0);
      // The sixth token was never run: nothing had asked what follows it.
      expect(second.usage.cached_tokens).to.equal(prompt.length - 2);
      expect(second.choices[0].text).to.equal(tinyTokenizer().decode(continuation(prompt, 6)));
    });
  });

  it('reports what the worker holds', async () => {
    const client = await new FakeWorker({next: says('the page')}).load();
    await client.chat.completions.create({messages: hello, ...greedy});
    const stats = await client.stats();
    expect([stats.clients, stats.models, stats.batch.running, stats.batch.queued]).to.deep.equal([1, 1, 0, 0]);
    expect(stats.gpu.kvPages.full.cached).to.be.above(0);
    expect(stats.gpu.weightBytes).to.equal(1000);
    expect(stats.adapter.vendor).to.equal('fake');
    expect(stats.decodeTokensPerSecond).to.be.greaterThan(0);
    expect(stats.prefillTokensPerSecond).to.be.greaterThan(0);
  });

  it('ends everything with `closed` on close, here and in the worker', async () => {
    const worker = new FakeWorker();
    const [client, other] = [await worker.load(), await worker.load()];
    const running = rejection(client.chat.completions.create({messages: hello, ...greedy}));
    await until(() => worker.engine.steps.length > 2);
    client.close();
    client.close();
    expect((await running).code).to.equal('closed');
    expect((await rejection(client.stats())).code).to.equal('closed');
    await until(() => worker.engine.alive === 0);
    expect(worker.engine.steps.length).to.be.below(20); // of the 256 that the context has room for
    const stats = await other.stats();
    expect([stats.clients, stats.batch.running, stats.models]).to.deep.equal([1, 0, 1]);
    expect(worker.locks?.held('gemma-chat-client')).to.have.length(1);
  });

  describe('when the device is lost', () => {
    it('answers of all clients go on with another device, token for token', async () => {
      const worker = new FakeWorker();
      const [one, two] = [await worker.load(), await worker.load()];
      const pending = [one, two].map((client, i) =>
        client.completions.create({prompt: `the page ${i}`, max_tokens: 30, ...greedy}),
      );
      await until(() => worker.engine.steps.length > 12);
      worker.models[0].lose();
      const texts = (await Promise.all(pending)).map(({choices}) => choices[0].text);
      expect(texts).to.deep.equal(
        [0, 1].map((i) => {
          const prompt = tinyTokenizer().encode(`the page ${i}`);
          return tinyTokenizer().decode(continuation(prompt, 30));
        }),
      );
      expect(worker.models).to.have.length(2);
      expect(worker.models[0].engine.destroyed).to.equal(true);
      expect((await two.stats()).recoveries).to.equal(1);
    });

    it('every request errors with `device-lost` when none can be had; the next load tries again', async () => {
      let broken = false;
      const models: FakeModel[] = [];
      const worker = new FakeWorker({
        load: async () => {
          if (broken) throw new GemmaError('adapter-missing', 'no adapter');
          models.push(fakeModel());
          return models[models.length - 1];
        },
        clock: impatient(),
      });
      const [one, two] = [await worker.load(), await worker.load()];
      const pending = [one, two].map((client) =>
        rejection(client.chat.completions.create({messages: hello, ...greedy})),
      );
      await until(() => models[0].engine.steps.length > 2);
      broken = true;
      models[0].lose();
      for (const error of await Promise.all(pending)) expect(error.code).to.equal('device-lost');
      expect((await one.lost).code).to.equal('device-lost');
      expect((await rejection(two.stats())).code).to.equal('device-lost');
      // Clients of no more use leave by themselves.
      await until(() => worker.context.sessions.size === 0);
      expect(worker.locks?.held('gemma-chat-client')).to.have.length(0);
      broken = false;
      const again = await worker.load();
      expect((await again.completions.create({prompt: 'x', max_tokens: 1})).usage.completion_tokens).to.equal(1);
    });
  });

  describe('after "Clear site data", when a page has other locks than the worker', () => {
    /** Long enough for every look at a lock or an answer. */
    const looks = () => new Promise((resolve) => setTimeout(resolve, 10 * BEAT_MS));
    const load = (worker: FakeWorker) =>
      GemmaClient.load(
        {modelSrc: 'model.gguf', workerSrc: '/gemma-chat.worker.js'},
        {...worker.platform(), locks: new FakeLocks()},
      );

    it('answers, and neither side takes the other for dead', async () => {
      const worker = new FakeWorker();
      const [before, after] = [await worker.load(), await load(worker)];
      let lost = false;
      void after.lost.then(() => {
        lost = true;
      });
      await looks();
      expect(
        (await after.completions.create({prompt: 'the page', max_tokens: 3, ...greedy})).usage.completion_tokens,
      ).to.equal(3);
      expect((await before.stats()).clients).to.equal(2);
      expect([lost, worker.models.length]).to.deep.equal([false, 1]);
    });

    it('lets go of a page that is silent, whose lock the worker cannot see', async () => {
      const worker = new FakeWorker();
      const port = worker.connect();
      port.start();
      port.postMessage({type: 'hello', id: 1, version: PROTOCOL_VERSION, lock: 'a lock of another store'});
      await until(() => worker.context.sessions.size === 1);
      await looks();
      expect(worker.context.sessions.size).to.equal(0);
    });
  });

  describe('a stream that is left', () => {
    const asks = {
      chat: (client: GemmaClient) => client.chat.completions.create({messages: hello, stream: true, ...greedy}),
      text: (client: GemmaClient) => client.completions.create({prompt: 'the page', stream: true, ...greedy}),
    };
    for (const [name, ask] of Object.entries(asks)) {
      for (const chunks of [0, 1, 3]) {
        it(`stops its answer after ${chunks} chunks of ${name}, and frees what it held`, async () => {
          const worker = new FakeWorker();
          const client = await worker.load();
          const iterator = (await ask(client))[Symbol.asyncIterator]();
          for (let i = 0; i < chunks; i++) expect((await iterator.next()).done).to.equal(false);
          await iterator.return?.();
          expect((await iterator.next()).done).to.equal(true);
          // What was asked before has been heard by then; a step that was under way may still end.
          for (let asked = 0; (await client.stats()).batch.running > 0; asked++) expect(asked).to.be.below(5);
          expect(worker.engine.steps.length).to.be.below(30); // the context has room for 256 tokens
          expect(worker.engine.alive).to.equal(0);
        });
      }
    }
  });

  it('has a limit of requests at a time', async () => {
    const worker = new FakeWorker();
    const client = await worker.load();
    let go!: () => void;
    worker.engine.beforeStep = () =>
      new Promise<void>((resolve) => {
        go = resolve;
      });
    let refused = 0;
    const asked = Array.from({length: 300}, () =>
      client.completions.create({prompt: 'x', max_tokens: 1}).then(
        () => 'ok',
        (error) => {
          refused += 1;
          return `${error.code} ${error.message}`;
        },
      ),
    );
    await until(() => Boolean(go) && refused === 44);
    worker.engine.beforeStep = () => {};
    go();
    const ends = await Promise.all(asked);
    expect(
      ends.filter((end) => end === 'ok'),
      ends[1],
    ).to.have.length(256);
    expect(ends.filter((end) => end.includes('256 requests are under way'))).to.have.length(44);
  });

  describe('when the worker ends', () => {
    /** The workers of one site: a page that asks for one gets the latest, and a new one after that has crashed. */
    function site(options: FakeWorkerOptions = {}) {
      const locks = new FakeLocks();
      const workers = [new FakeWorker({...options, locks})];
      const platform = (): Platform => ({
        ...workers[0].platform(),
        locks,
        SharedWorker: class extends EventTarget {
          readonly port = workers[workers.length - 1].connect();
        },
      });
      const load = (given: Partial<LoadOptions> = {}) =>
        GemmaClient.load({modelSrc: 'model.gguf', workerSrc: '/gemma-chat.worker.js', ...given}, platform());
      const crash = () => {
        const dead = workers[workers.length - 1];
        workers.push(new FakeWorker({...options, locks}));
        dead.stop();
      };
      const hang = () => {
        workers.push(new FakeWorker({...options, locks}));
        workers[workers.length - 2].hang();
      };
      return {workers, load, crash, hang};
    }

    it('without ending, because it hangs: answers go on in another, which the site’s tabs agree on', async () => {
      const kept = new Map<string, string>();
      const memory = {
        getItem: (key: string) => kept.get(key) ?? null,
        setItem: (key: string, to: string) => kept.set(key, to),
      };
      const locks = new FakeLocks();
      const asked: string[] = [];
      // Each address has a worker of its own.
      const workers = new Map<string, FakeWorker>();
      const platform: Platform = {
        ...new FakeWorker().platform(),
        locks,
        memory,
        SharedWorker: class extends EventTarget {
          readonly port: MessagePort;
          constructor(url: string) {
            super();
            asked.push(url.split('?')[1]);
            if (!workers.has(url)) workers.set(url, new FakeWorker({locks}));
            this.port = workers.get(url)!.connect();
          }
        },
      };
      const load = () => GemmaClient.load({modelSrc: 'm.gguf', workerSrc: '/gemma-chat.worker.js'}, platform);
      const clients = [await load(), await load()];
      const stream = await clients[0].completions.create({prompt: 'the page', max_tokens: 30, stream: true, ...greedy});
      const other = clients[1].tokenize('the page');
      await other;
      let text = '';
      let said = 0;
      for await (const {choices} of stream) {
        text += choices[0].text;
        if (++said === 10) [...workers.values()][0].hang();
      }
      const prompt = tinyTokenizer().encode('the page');
      expect(text).to.equal(tinyTokenizer().decode(continuation(prompt, 30)));
      // A client that asks nothing notices too, and a new tab never meets the one that hangs.
      expect(await clients[1].tokenize('the page')).to.deep.equal(prompt);
      await load();
      expect(asked).to.deep.equal([
        `gemma-chat=${PROTOCOL_VERSION}`,
        `gemma-chat=${PROTOCOL_VERSION}`,
        `gemma-chat=${PROTOCOL_VERSION}&1`,
        `gemma-chat=${PROTOCOL_VERSION}&1`,
        `gemma-chat=${PROTOCOL_VERSION}&1`,
      ]);
    });

    for (const temperature of [0, 1]) {
      it(`answers go on in the next one, token for token, at temperature ${temperature}`, async () => {
        const {workers, load, crash} = site();
        const client = await load();
        const options = {prompt: 'the page asks', max_tokens: 40, temperature, seed: 7};
        const alone = (await client.completions.create(options)).choices[0].text;
        const phases: string[] = [];
        const onProgress = ({phase}: {phase: string}) => phases.push(phase);
        const stream = await client.completions.create({...options, stream: true, onProgress});
        const said: string[] = [];
        const ends: unknown[] = [];
        for await (const {choices, usage} of stream) {
          said.push(choices[0].text);
          if (usage) ends.push(choices[0].finish_reason, usage.prompt_tokens, usage.completion_tokens);
          if (said.length === 10 || said.length === 20) crash();
        }
        expect(said.join('')).to.equal(alone);
        expect(ends).to.deep.equal(['length', tinyTokenizer().encode('the page asks').length, 40]);
        expect(workers).to.have.length(3);
        expect(phases.filter((phase) => phase === 'restarting')).to.have.length(2);
        expect(phases.at(-1)).not.to.equal('restarting');
        expect((await client.stats()).clients).to.equal(1);
      });
    }

    it('an echo is not said twice, and a chat keeps its parts apart', async () => {
      const {load, crash} = site();
      const client = await load();
      const stream = await client.completions.create({
        prompt: 'the page',
        max_tokens: 9,
        echo: true,
        stream: true,
        ...greedy,
      });
      const said: string[] = [];
      for await (const {choices} of stream) {
        said.push(choices[0].text);
        if (said.length === 1) crash();
      }
      const prompt = tinyTokenizer().encode('the page');
      expect(said.join('')).to.equal(`the page${tinyTokenizer().decode(continuation(prompt, 9))}`);
    });

    it('adapters are loaded again before answers go on', async () => {
      const {workers, load, crash} = site();
      const client = await load();
      const halves = [
        {name: 'blk.0.attn_q.weight.lora_a', shape: [4, 1], values: [1, 2, 3, 4]},
        {name: 'blk.0.attn_q.weight.lora_b', shape: [1, 6], values: [1, 2, 3, 4, 5, 6]},
      ];
      const source = ggufAdapter(halves, {'general.architecture': 'gemma4'});
      const file = new Blob([(await source.read(0, source.size)) as BlobPart]);
      const {id} = await client.adapters.load({file});
      const options = {prompt: 'the page asks', max_tokens: 20, adapters: [{id}], ...greedy};
      const alone = (await client.completions.create(options)).choices[0].text;
      expect(alone).not.to.equal((await client.completions.create({...options, adapters: []})).choices[0].text);
      let said = '';
      for await (const {choices} of await client.completions.create({...options, stream: true})) {
        said += choices[0].text;
        if (workers.length === 1) crash();
      }
      expect([said, workers.length]).to.deep.equal([alone, 2]);
    });

    it('requests that wait for one answer are asked again', async () => {
      const {load, crash} = site();
      const client = await load();
      const tokens = client.tokenize('the page');
      crash();
      expect(await tokens).to.deep.equal(await client.tokenize('the page'));
      const whole = client.completions.create({prompt: 'the page', max_tokens: 9, ...greedy});
      crash();
      const prompt = tinyTokenizer().encode('the page');
      expect((await whole).choices[0].text).to.equal(tinyTokenizer().decode(continuation(prompt, 9)));
    });

    it('a load goes on in the next one, with its progress, and can still be stopped', async () => {
      let loads = 0;
      const {workers, load, crash} = site({
        load: async (_ref, {onProgress, signal}) => {
          loads += 1;
          onProgress({phase: 'download', fraction: loads / 10, loadedBytes: loads, totalBytes: 10});
          // The third is the first that comes to an end.
          if (loads < 3)
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          return fakeModel();
        },
      });
      const seen: number[] = [];
      const onProgress = ({loadedBytes}: {loadedBytes: number}) => seen.push(loadedBytes);
      const abort = new AbortController();
      const stopped = rejection(load({signal: abort.signal}));
      await until(() => loads === 1);
      crash();
      await until(() => loads === 2);
      abort.abort();
      expect((await stopped).name).to.equal('AbortError');
      await until(() => workers[1].context.sessions.size === 0);

      loads = 1;
      const loading = load({onProgress});
      await until(() => seen.at(-1) === 2);
      crash();
      expect((await loading).model.name).to.equal('Fake');
      expect(seen.at(-1)).to.equal(3);
    });

    it('gives up when workers end before they have said anything', async () => {
      const {workers, load, crash} = site();
      const client = await load();
      let given: string | null = null;
      void client.lost.then(({code}) => {
        given = code;
      });
      // Each before it has loaded the model.
      for (let i = 0; i < 10 && given === null; i++) {
        crash();
        const latest = workers[workers.length - 1];
        await until(() => latest.models.length > 0 || given !== null);
      }
      expect(given).to.equal('worker-failed');
      expect(workers.length).to.be.below(7);
      expect((await rejection(client.stats())).code).to.equal('worker-failed');
    });
  });

  it('a load that fails or is stopped leaves no connection behind', async () => {
    const worker = new FakeWorker({
      load: (ref, {signal}) =>
        'url' in ref && ref.url.endsWith('/slow.gguf')
          ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
          : Promise.reject(new GemmaError('http-status', '404')),
    });
    expect((await rejection(worker.load())).code).to.equal('http-status');
    await until(() => worker.context.sessions.size === 0);
    const abort = new AbortController();
    const stopped = rejection(worker.load({modelSrc: 'slow.gguf', signal: abort.signal}));
    await until(() => worker.context.sessions.size === 1);
    abort.abort();
    expect((await stopped).name).to.equal('AbortError');
    await until(() => worker.context.sessions.size === 0);
    expect(worker.locks?.held('gemma-chat-client')).to.have.length(0);
  });

  it('a step that fails is that request’s error, not everyone’s', async () => {
    const worker = new FakeWorker({next: says('the page')});
    const client = await worker.load();
    worker.engine.beforeStep = () => Promise.reject(new Error('boom'));
    expect((await rejection(client.chat.completions.create({messages: hello}))).code).to.equal('internal');
    worker.engine.beforeStep = () => {};
    expect((await client.chat.completions.create({messages: hello, ...greedy})).choices[0].message.content).to.equal(
      'the page',
    );
  });
});

function startingWith(token: string): RegExp {
  return new RegExp(`^${token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
}

// What a program sees that fetches from the page instead of from OpenAI: statuses, bodies, events, and the package's own errors.
import {expect} from 'chai';
import OpenAI from 'openai';
import {GemmaError} from '../../../src/errors.ts';
import {type ChatClient, openaiFetch} from '../../../src/openai/index.ts';
import {says, tinyTokenizer} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker} from '../../helpers/fake-worker.ts';

const BASE = 'https://gemma.invalid/v1';
const CALL = '<|tool_call>call:add{a:1}<tool_call|>';
const RESPONSE = tinyTokenizer().idOf('<|tool_response>') as number;
const ask = [{role: 'user' as const, content: 'hello'}];
const CHAT = {model: 'gemma', messages: ask, temperature: 0};
const ADD = {name: 'add', parameters: {type: 'object', properties: {a: {type: 'number'}}}};

async function page(next = says('one two'), contextLength = 1024) {
  const worker = new FakeWorker({contextLength, next});
  const client = await worker.load();
  const fetch = openaiFetch(client);
  const openai = new OpenAI({fetch, baseURL: BASE, apiKey: 'none', dangerouslyAllowBrowser: true});
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    fetch(`${BASE}/${path}`, {method: 'POST', body: JSON.stringify(body), ...init});
  return {worker, client, fetch, openai, post};
}

const failure = async (response: Response) => [response.status, ((await response.json()) as {error: object}).error];

describe('openaiFetch', () => {
  afterEach(closePorts);

  it('lists the model, and finds it by its id', async () => {
    const {openai, client, fetch} = await page();
    const [{id}] = (await openai.models.list()).data;
    expect(id).to.equal((await client.models.list()).data[0].id);
    expect((await openai.models.retrieve(id)).id).to.equal(id);
    const missing = await openai.models.retrieve('gpt').catch((error) => error);
    expect(missing).to.be.instanceOf(OpenAI.NotFoundError);
    expect(missing.code).to.equal('model_not_found');
    expect((await fetch(`${BASE}/models/%E0%A4%A`)).status).to.equal(404);
  });

  it('answers chats and text completions as the client does', async () => {
    const {openai} = await page();
    const chat = await openai.chat.completions.create(CHAT);
    expect(chat.choices[0].message.content).to.equal('one two');
    expect(chat.usage?.total_tokens).to.be.above(0);
    const text = await openai.completions.create({model: 'gemma', prompt: 'hi', temperature: 0, max_tokens: 2});
    expect(text.object).to.equal('text_completion');
    const pieces: string[] = [];
    const stream = await openai.completions.create({model: 'gemma', prompt: 'hi', temperature: 0, stream: true});
    for await (const {choices} of stream) pieces.push(choices[0].text);
    expect(pieces.join('')).to.equal('one two');
  });

  it('sends events that end with [DONE]', async () => {
    const {post} = await page();
    const response = await post('chat/completions', {...CHAT, stream: true});
    expect(response.headers.get('content-type')).to.equal('text/event-stream');
    const lines = (await response.text()).split('\n\n');
    expect(lines.slice(-2)).to.deep.equal(['data: [DONE]', '']);
    const chunks = lines.slice(0, -2).map((line) => JSON.parse(line.slice('data: '.length)));
    expect(chunks.map(({choices}) => choices[0].delta.content ?? '').join('')).to.equal('one two');
  });

  it('says what is wrong with a request with a status, a code and the option', async () => {
    const {post, fetch, openai} = await page(says('x'), 64);
    const [status, error] = await failure(await post('chat/completions', {...CHAT, temperature: 'hot'}));
    expect([status, error]).to.deep.include.members([400]);
    expect(error).to.include({type: 'invalid_request_error', param: 'temperature', code: 'option-invalid'});
    const long = [{role: 'user', content: 'word '.repeat(100)}];
    for (const stream of [false, true]) {
      const found = await failure(await post('chat/completions', {...CHAT, messages: long, stream}));
      expect(found[0]).to.equal(400);
      expect(found[1]).to.include({code: 'context-overflow'});
    }
    expect((await failure(await fetch(`${BASE}/chat/completions`)))[1]).to.include({code: 'method_not_allowed'});
    expect((await failure(await post('images/generations', {})))[1]).to.include({code: 'route_not_found'});
    expect((await failure(await post('embeddings', {input: 'x'})))[1]).to.include({code: 'model_not_found'});
    expect((await failure(await post('chat/completions', [])))[1]).to.include({code: 'option-invalid'});
    const notJson = await fetch(`${BASE}/completions`, {method: 'POST', body: '{'});
    expect((await failure(notJson))[0]).to.equal(400);
    const own = await openai.chat.completions.create({...CHAT, audio: {} as never}).catch((thrown) => thrown);
    expect(own).to.be.instanceOf(OpenAI.BadRequestError);
    expect([own.code, own.param]).to.deep.equal(['option-unknown', 'audio']);
  });

  it('asks for a client for each request, and is not asked again where there is none', async () => {
    let asked = 0;
    /** As the client's own file has it: the same code, of another class. */
    class Foreign extends Error {
      override readonly name = 'GemmaError';
      readonly code = 'device-lost';
      readonly detail = {};
    }
    const fetch = openaiFetch(() => {
      asked += 1;
      throw new Foreign('the GPU is gone');
    });
    const openai = new OpenAI({fetch, baseURL: BASE, apiKey: 'none', dangerouslyAllowBrowser: true});
    const error = await openai.chat.completions.create(CHAT).catch((thrown) => thrown);
    expect(error).to.be.instanceOf(OpenAI.InternalServerError);
    expect([error.status, error.code, asked]).to.deep.equal([503, 'device-lost', 1]);
  });

  it('rejects a request that is stopped, before and in its stream, and frees what it held', async () => {
    const {openai, post, worker} = await page(says('1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16'));
    const stopped = new AbortController();
    stopped.abort();
    const early = await post('chat/completions', CHAT, {signal: stopped.signal}).catch((error) => error);
    expect(early.name).to.equal('AbortError');
    const stopping = new AbortController();
    const response = await post('chat/completions', {...CHAT, stream: true}, {signal: stopping.signal});
    const reader = response.body!.getReader();
    await reader.read();
    stopping.abort();
    const late = await (async () => {
      while (!(await reader.read()).done);
    })().catch((error) => error);
    expect(late?.name).to.equal('AbortError');
    // Left, without a signal.
    const stream = await openai.chat.completions.create({...CHAT, stream: true});
    for await (const _ of stream) break;
    const own = await openai.chat.completions.create(CHAT, {signal: AbortSignal.abort()}).catch((error) => error);
    expect(own).to.be.instanceOf(OpenAI.APIUserAbortError);
    const client = await worker.load();
    const running = async () => (await client.stats()).batch.running;
    for (let i = 0; i < 50 && (await running()) > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await running()).to.equal(0);
  });

  it('tells an error in mid-answer as an event, which the package throws', async () => {
    async function* chunks() {
      yield {id: '1', object: 'chat.completion.chunk', choices: [{index: 0, delta: {content: 'a'}}]};
      throw new GemmaError('device-lost', 'the GPU is gone');
    }
    const client = {chat: {completions: {create: async () => chunks()}}} as unknown as ChatClient;
    const openai = new OpenAI({fetch: openaiFetch(client), baseURL: BASE, apiKey: 'x', dangerouslyAllowBrowser: true});
    const stream = await openai.chat.completions.create({...CHAT, stream: true});
    const seen: unknown[] = [];
    const error = await (async () => {
      for await (const chunk of stream) seen.push(chunk.choices[0].delta.content);
    })().catch((thrown) => thrown);
    expect(seen).to.deep.equal(['a']);
    expect(error).to.be.instanceOf(OpenAI.APIError);
    expect(error.message).to.contain('the GPU is gone');
  });

  it('embeds where it was given an embedding model', async () => {
    const asked: unknown[] = [];
    const embeddings = {
      async create({signal: _, ...params}: object & {signal?: AbortSignal}) {
        asked.push(params);
        const data = [{object: 'embedding' as const, index: 0, embedding: Float32Array.of(0.5, -1)}];
        return {object: 'list' as const, model: 'e', data, usage: {prompt_tokens: 1, total_tokens: 1}};
      },
    };
    const fetch = openaiFetch({} as ChatClient, {embeddings});
    const openai = new OpenAI({fetch, baseURL: BASE, apiKey: 'x', dangerouslyAllowBrowser: true});
    const {data} = await openai.embeddings.create({model: 'e', input: 'hi', encoding_format: 'float', user: 'me'});
    expect(data[0].embedding).to.deep.equal([0.5, -1]);
    expect(asked).to.deep.equal([{model: 'e', input: 'hi', encoding_format: 'float'}]);
  });
});

describe('openaiFetch: responses', () => {
  afterEach(closePorts);
  const tool = {type: 'function' as const, strict: false, ...ADD};
  const toolNext = (tokens: readonly number[]) =>
    (tokens.includes(RESPONSE) ? says('it is 2') : says(CALL, '<|tool_response>'))(tokens);

  it('carry a whole loop with a tool', async () => {
    const {openai} = await page(toolNext);
    const input: OpenAI.Responses.ResponseInput = [{role: 'user', content: [{type: 'input_text', text: 'add'}]}];
    const common = {model: 'gemma', temperature: 0, tools: [tool]};
    const first = await openai.responses.create({...common, input});
    const call = first.output[0] as OpenAI.Responses.ResponseFunctionToolCall;
    expect([call.type, call.name, JSON.parse(call.arguments)]).to.deep.equal(['function_call', 'add', {a: 1}]);
    input.push(call, {type: 'function_call_output', call_id: call.call_id, output: '2'});
    const second = await openai.responses.create({...common, input});
    expect(second.output_text).to.equal('it is 2');
    expect(second.usage?.output_tokens).to.be.above(0);
  });

  it('come in the events that the package puts together again', async () => {
    for (const [next, expected] of [
      [says('one two'), 'message'],
      [toolNext, 'function_call'],
    ] as const) {
      const {openai} = await page(next);
      const stream = openai.responses.stream({model: 'gemma', temperature: 0, tools: [tool], input: 'hello'});
      const types: string[] = [];
      const numbers: number[] = [];
      for await (const event of stream) {
        types.push(event.type);
        numbers.push(event.sequence_number);
      }
      const final = await stream.finalResponse();
      expect(final.status).to.equal('completed');
      expect(final.output.map(({type}) => type)).to.deep.equal([expected]);
      expect(numbers).to.deep.equal(numbers.map((_, i) => i));
      expect(types[0]).to.equal('response.created');
      expect(types.at(-1)).to.equal('response.completed');
      if (expected === 'message') expect(final.output_text).to.equal('one two');
    }
  });

  it('say that they were cut, and keep a schema', async () => {
    const {openai} = await page(says('{"a":1}'));
    const cut = await openai.responses.create({model: 'gemma', temperature: 0, input: 'x', max_output_tokens: 1});
    expect([cut.status, cut.incomplete_details?.reason]).to.deep.equal(['incomplete', 'max_output_tokens']);
    const schema = {type: 'object', properties: {a: {type: 'integer'}}, required: ['a'], additionalProperties: false};
    const format = {type: 'json_schema' as const, name: 'a', schema, strict: true};
    const kept = await openai.responses.create({model: 'gemma', temperature: 0, input: 'x', text: {format}});
    expect(JSON.parse(kept.output_text)).to.deep.equal({a: 1});
  });

  it('refuse by name what would change the answer, all at once', async () => {
    const {openai, post} = await page();
    const error = await openai.responses
      .create({model: 'gemma', input: 'x', previous_response_id: 'r', tools: [{type: 'web_search'}]})
      .catch((thrown) => thrown);
    expect(error).to.be.instanceOf(OpenAI.BadRequestError);
    expect(error.message).to.contain('previous_response_id').and.contain('tools[0] is of type web_search');
    const wrong: [unknown, RegExp][] = [
      [{}, /input is missing/],
      [
        {input: [{type: 'message', role: 'user', content: [{type: 'input_image'}]}]},
        /input\[0\]\.content\[0\] is no text/,
      ],
      [{input: [{type: 'item_reference', id: 'x'}]}, /input\[0\] is of type item_reference/],
      [{input: [7]}, /input\[0\] is of type number/],
      [{input: 'x', truncation: 'maybe'}, /truncation/],
      [{input: 'x', include: ['file_search_call.results']}, /include has file_search/],
      [{input: 'x', text: {format: 1}}, /text\.format/],
      [{input: 'x', surprise: 1}, /no option "surprise"/],
      [{input: 'x', constructor: 1}, /no option "constructor"/],
    ];
    for (const [body, message] of wrong) {
      const [status, found] = await failure(await post('responses', body));
      expect(status).to.equal(400);
      expect((found as {message: string}).message).to.match(message);
    }
  });
});

// The provider beneath the AI SDK's own functions, and what they make of it.
import {embedMany, generateText, jsonSchema, Output, streamText, tool} from 'ai';
import {expect} from 'chai';
import {createGemma} from '../../../src/ai-sdk/index.ts';
import type {ChatClient} from '../../../src/ai-sdk/provider.ts';
import type {ChatCompletionParams} from '../../../src/client/shapes.ts';
import {GemmaError} from '../../../src/errors.ts';
import {says} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker} from '../../helpers/fake-worker.ts';

const THOUGHT = '<|channel>thought\nhm<channel|>so';

async function page(next = says('one two')) {
  const worker = new FakeWorker({contextLength: 1024, next});
  const client = await worker.load();
  const asked: ChatCompletionParams[] = [];
  const create = (params: ChatCompletionParams, options: object) => {
    asked.push(params);
    return client.chat.completions.create(params, options);
  };
  const model = createGemma({chat: {completions: {create}}} as ChatClient)();
  return {worker, client, asked, model};
}

/** A client whose answer is made of these chunks' deltas, and then fails if told to. */
function scripted(deltas: object[], failure?: Error): ChatClient {
  async function* chunks() {
    for (const delta of deltas) yield {id: '1', created: 5, model: 'm', choices: [{index: 0, delta}]};
    if (failure) throw failure;
  }
  return {chat: {completions: {create: async () => chunks()}}} as unknown as ChatClient;
}

describe('createGemma', () => {
  afterEach(closePorts);

  it('asks with every option that the SDK has, and with those of its own', async () => {
    const {asked, model} = await page();
    await generateText({
      model,
      messages: [
        {
          role: 'user',
          content: [
            {type: 'text', text: 'a'},
            {type: 'text', text: 'b'},
          ],
        },
        {
          role: 'assistant',
          content: [
            {type: 'reasoning', text: 'hm'},
            {type: 'text', text: 'I look.'},
            {type: 'tool-call', toolCallId: 'c1', toolName: 'add', input: {a: 1}},
            {type: 'tool-call', toolCallId: 'c2', toolName: 'add', input: {a: 2}},
          ],
        },
        {
          role: 'tool',
          content: [
            {type: 'tool-result', toolCallId: 'c1', toolName: 'add', output: {type: 'json', value: {sum: 2}}},
            {type: 'tool-result', toolCallId: 'c2', toolName: 'add', output: {type: 'execution-denied'}},
          ],
        },
        {role: 'user', content: 'and?'},
      ],
      instructions: 'Be brief.',
      maxOutputTokens: 5,
      temperature: 0,
      topP: 0.9,
      topK: 3,
      presencePenalty: 0.5,
      frequencyPenalty: 0.25,
      stopSequences: ['END'],
      seed: 7,
      tools: {add: tool({inputSchema: jsonSchema({type: 'object', properties: {a: {type: 'number'}}})})},
      toolChoice: 'none',
      providerOptions: {gemma: {min_p: 0.1}},
    });
    const [{messages, tools, ...options}] = asked;
    expect(options).to.deep.equal({
      ...{max_tokens: 5, temperature: 0, top_p: 0.9, top_k: 3, presence_penalty: 0.5, frequency_penalty: 0.25},
      ...{stop: ['END'], seed: 7, tool_choice: 'none', min_p: 0.1, stream: false},
    });
    expect(tools?.map((one) => one.function.name)).to.deep.equal(['add']);
    const call = (id: string, a: number) => ({id, type: 'function', function: {name: 'add', arguments: `{"a":${a}}`}});
    expect(messages).to.deep.equal([
      {role: 'system', content: 'Be brief.'},
      {role: 'user', content: 'ab'},
      {role: 'assistant', content: 'I look.', reasoning_content: 'hm', tool_calls: [call('c1', 1), call('c2', 2)]},
      {role: 'tool', tool_call_id: 'c1', name: 'add', content: '{"sum":2}'},
      {role: 'tool', tool_call_id: 'c2', name: 'add', content: 'The visitor did not allow this call.'},
      {role: 'user', content: 'and?'},
    ]);
  });

  it('gives thoughts, text, usage and the reason of the end, whole and in parts', async () => {
    const {model} = await page(says(THOUGHT));
    const options = {model, prompt: 'hi', temperature: 0, reasoning: 'high'} as const;
    const whole = await generateText(options);
    const streamed = streamText(options);
    const types: string[] = [];
    for await (const part of streamed.fullStream) types.push(part.type);
    for (const found of [whole, {text: await streamed.text, reasoningText: await streamed.reasoningText}]) {
      expect([found.text, found.reasoningText]).to.deep.equal(['so', 'hm']);
    }
    expect(whole.finishReason).to.equal('stop');
    expect(whole.usage.outputTokens).to.be.above(0);
    expect(await streamed.usage).to.deep.include({outputTokens: whole.usage.outputTokens});
    expect([...new Set(types)].filter((type) => /^(reasoning|text)-|^finish$/.test(type))).to.deep.equal([
      ...['reasoning-start', 'reasoning-delta', 'reasoning-end', 'text-start', 'text-delta', 'text-end', 'finish'],
    ]);
  });

  it('holds an answer to a schema, and calls tools whole', async () => {
    const schema = jsonSchema<{open: boolean}>({
      ...{type: 'object', properties: {open: {type: 'boolean'}}, required: ['open'], additionalProperties: false},
    });
    const {model} = await page(says('{"open":true}'));
    const {output} = await generateText({model, prompt: 'x', temperature: 0, output: Output.object({schema})});
    expect(output).to.deep.equal({open: true});
    const calling = await page(says('<|tool_call>call:add{a:1}<tool_call|>', '<|tool_response>'));
    const add = tool({inputSchema: jsonSchema<{a: number}>({type: 'object', properties: {a: {type: 'number'}}})});
    const streamed = streamText({model: calling.model, prompt: 'x', temperature: 0, tools: {add}});
    const calls = await streamed.toolCalls;
    expect(calls.map(({toolName, input}) => [toolName, input])).to.deep.equal([['add', {a: 1}]]);
    expect(await streamed.finishReason).to.equal('tool-calls');
  });

  it('warns of tools that are no functions, and refuses what is no text', async () => {
    const {asked, model} = await page();
    const {warnings} = await model.doGenerate({
      prompt: [{role: 'user', content: [{type: 'text', text: 'x'}]}],
      temperature: 0,
      tools: [{type: 'provider', id: 'openai.web_search', name: 'web_search', args: {}}],
    });
    expect(warnings[0]).to.include({type: 'unsupported', feature: 'tool openai.web_search'});
    expect(asked[0].tools).to.equal(undefined);
    const picture = {type: 'file', mediaType: 'image/png', data: {type: 'data', data: 'AA=='}} as const;
    const error = await Promise.resolve(model.doGenerate({prompt: [{role: 'user', content: [picture]}]})).catch(
      (thrown) => thrown,
    );
    expect(error).to.be.instanceOf(GemmaError);
    expect([error.code, error.message]).to.satisfy(
      ([code, message]: string[]) => code === 'option-invalid' && /file/.test(message),
    );
  });

  it('ends at an abort, and tells an error in mid-answer as a part', async () => {
    const {model} = await page(says('1 2 3 4 5 6 7 8 9'));
    const stopping = new AbortController();
    const parts: string[] = [];
    const streamed = streamText({model, prompt: 'x', temperature: 0, abortSignal: stopping.signal});
    for await (const {type} of streamed.fullStream) {
      parts.push(type);
      if (type === 'text-delta') stopping.abort();
    }
    expect(parts.at(-1)).to.equal('abort');
    const failing = createGemma(scripted([{content: 'a'}], new GemmaError('device-lost', 'the GPU is gone')));
    const errors: unknown[] = [];
    const broken = streamText({model: failing(), prompt: 'x', onError: ({error}) => void errors.push(error)});
    let text = '';
    for await (const piece of broken.textStream) text += piece;
    expect([text, (errors[0] as GemmaError).code]).to.deep.equal(['a', 'device-lost']);
  });

  it('embeds where it was given an embedding model, and has no pictures', async () => {
    const embeddings = {
      create: async ({input}: {input: string | readonly string[]}) => ({
        object: 'list' as const,
        model: 'e',
        data: [...input].map((_, index) => ({
          object: 'embedding' as const,
          index,
          embedding: Float32Array.of(index, 1),
        })),
        usage: {prompt_tokens: 4, total_tokens: 4},
      }),
    };
    const gemma = createGemma(scripted([]), {embeddings});
    const found = await embedMany({model: gemma.embeddingModel(), values: ['a', 'b']});
    expect(found.embeddings).to.deep.equal([
      [0, 1],
      [1, 1],
    ]);
    expect(found.usage.tokens).to.equal(4);
    expect(() => createGemma(scripted([])).embeddingModel()).to.throw(GemmaError, 'no embedding model');
    expect(() => gemma.imageModel('x')).to.throw(GemmaError, 'no image model');
  });
});

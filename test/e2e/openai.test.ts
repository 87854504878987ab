// Libraries that were written for OpenAI's server, in a real browser: over the built `openai.js` and `client.js`, the real worker
// and a generated model, whose words are noise. What they are is told by test/unit/openai.
import path from 'node:path';
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {build} from 'vite';
import {openSite, type Site} from '../../scripts/lib/browser.mjs';
import {PAGE_SHAPE} from '../../scripts/model-files/gemma4-shapes.ts';
import {generateModel} from '../../scripts/model-files/model.ts';
import type {GemmaClient} from '../../src/client/gemma-client.ts';
import type {openaiFetch} from '../../src/openai/index.ts';
import type {LIBRARIES} from '../helpers/openai-page.ts';
import {sendBytes} from '../helpers/send-bytes.ts';

const root = path.resolve(import.meta.dirname, '../..');

async function bundleLibraries(): Promise<string> {
  const built = await build({
    root,
    configFile: false,
    logLevel: 'error',
    define: {'process.env.NODE_ENV': '"production"'},
    build: {
      write: false,
      target: 'es2022',
      lib: {entry: path.join(root, 'test/helpers/openai-page.ts'), formats: ['es'], fileName: () => 'libraries.js'},
      rolldownOptions: {output: {codeSplitting: false}},
    },
  });
  const [{output}] = built as {output: {code?: string}[]}[];
  return output[0].code ?? '';
}

/** The file's own template knows no tools; Gemma 4's, which stands in where a file has none, does. */
function withoutTemplate(model: Uint8Array): Uint8Array {
  const name = 'tokenizer.chat_template';
  model.set(Buffer.from('x'), Buffer.from(model.buffer).indexOf(name) + name.length - 1);
  return model;
}

declare global {
  interface Window {
    page: typeof LIBRARIES & {fetch: typeof fetch; openai: InstanceType<(typeof LIBRARIES)['OpenAI']>};
  }
}

describe('libraries written for OpenAI, in a browser', function () {
  this.timeout(180_000);
  let site: Site;
  let page: Page;

  before(async () => {
    const model = withoutTemplate(generateModel({shape: PAGE_SHAPE, type: 'Q8_0'}));
    const libraries = await bundleLibraries();
    site = await openSite({
      server: {
        handle(request, response) {
          const {url = ''} = request;
          if (url === '/model.gguf') sendBytes(request, response, model);
          else if (url === '/libraries.js') response.writeHead(200, {'content-type': 'text/javascript'}).end(libraries);
          else if (url === '/page') response.writeHead(200, {'content-type': 'text/html'}).end('<!doctype html>');
          else return false;
          return true;
        },
      },
    });
    page = await (await site.browser.newContext()).newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`${site.url}page`);
    await page.evaluate(async () => {
      const [libraries, clients, entry] = ['/libraries.js', '/client.js', '/openai.js'];
      const {LIBRARIES: all} = (await import(libraries)) as {LIBRARIES: typeof LIBRARIES};
      const {GemmaClient: Client} = (await import(clients)) as {GemmaClient: typeof GemmaClient};
      const {openaiFetch: of} = (await import(entry)) as {openaiFetch: typeof openaiFetch};
      const fetch = of(await Client.load({modelSrc: '/model.gguf'}));
      const baseURL = 'https://gemma.invalid/v1';
      const openai = new all.OpenAI({fetch, baseURL, apiKey: 'none', dangerouslyAllowBrowser: true});
      window.page = {...all, fetch, openai};
    });
  });
  after(() => site?.close());

  it('stream, keep a schema, call a tool and answer its result', async () => {
    const found = await page.evaluate(async () => {
      const {openai} = window.page;
      const messages: {role: 'user'; content: string}[] = [{role: 'user', content: 'hello'}];
      const common = {model: 'gemma', messages, temperature: 0, max_tokens: 24};
      const stream = await openai.chat.completions.create({...common, max_tokens: 5, stream: true});
      const reasons: (string | null)[] = [];
      for await (const chunk of stream) reasons.push(chunk.choices[0].finish_reason);
      const schema = {
        ...{type: 'object', properties: {open: {type: 'boolean'}}, required: ['open'], additionalProperties: false},
      };
      const kept = await openai.chat.completions.create({
        ...common,
        response_format: {type: 'json_schema', json_schema: {name: 'opening', schema, strict: true}},
      });
      const parameters = {
        ...{type: 'object', properties: {day: {enum: ['Sunday']}}, required: ['day'], additionalProperties: false},
      };
      const tools = [{type: 'function' as const, function: {name: 'opening_hours', strict: true, parameters}}];
      const called = await openai.chat.completions.create({
        ...{...common, max_tokens: 60, tools},
        tool_choice: 'required',
      });
      const {message} = called.choices[0];
      const [call] = message.tool_calls ?? [];
      const result = {role: 'tool' as const, tool_call_id: call?.id ?? '', content: 'closed'};
      const loop = {...common, max_tokens: 3, messages: [...messages, message, result], tools};
      const answered = await openai.chat.completions.create(loop);
      return {
        reasons,
        kept: kept.choices[0].message.content,
        call: call?.type === 'function' ? call.function : null,
        tokens: answered.usage?.completion_tokens,
      };
    });
    expect(found.reasons.at(-1)).to.be.oneOf(['length', 'stop']);
    expect(JSON.parse(found.kept ?? '')).to.have.keys('open');
    expect([found.call?.name, JSON.parse(found.call?.arguments ?? '')]).to.deep.equal([
      'opening_hours',
      {day: 'Sunday'},
    ]);
    expect(found.tokens).to.be.within(1, 3);
  });

  it('stop, and throw errors of their own', async () => {
    const found = await page.evaluate(async () => {
      const {openai, OpenAI} = window.page;
      const common = {model: 'gemma', messages: [{role: 'user' as const, content: 'hello'}]};
      const stopping = new AbortController();
      const waiting = openai.chat.completions.create({...common, max_tokens: 100}, {signal: stopping.signal});
      setTimeout(() => stopping.abort(), 50);
      const stopped = await waiting.catch((error) => error);
      const wrong = await openai.chat.completions.create({...common, temperature: -1}).catch((error) => error);
      const none = await openai.embeddings.create({model: 'x', input: 'y'}).catch((error) => error);
      return [
        [stopped instanceof OpenAI.APIUserAbortError, wrong instanceof OpenAI.BadRequestError, wrong.param],
        [none instanceof OpenAI.NotFoundError, none.code],
      ];
    });
    expect(found).to.deep.equal([
      [true, true, 'temperature'],
      [true, 'model_not_found'],
    ]);
  });

  it('are LangChain and the AI SDK, too', async () => {
    const found = await page.evaluate(async () => {
      const {ChatOpenAI, createOpenAICompatible, streamText, fetch} = window.page;
      const baseURL = 'https://gemma.invalid/v1';
      const configuration = {baseURL, fetch, dangerouslyAllowBrowser: true};
      const chat = new ChatOpenAI({model: 'gemma', apiKey: 'none', maxTokens: 3, temperature: 0, configuration});
      const said = await chat.invoke('hello');
      const model = createOpenAICompatible({name: 'gemma', baseURL, fetch, includeUsage: true})('gemma');
      const {textStream, usage} = streamText({model, prompt: 'hello', maxOutputTokens: 3, temperature: 0});
      let text = '';
      for await (const piece of textStream) text += piece;
      return {same: said.content === text, tokens: (await usage).outputTokens};
    });
    expect(found.same).to.equal(true);
    expect(found.tokens).to.be.within(1, 3);
  });
});

// The programs of docs/openai.md, word for word: the real libraries over the real client and a fake worker.
import {readFileSync} from 'node:fs';
import * as compatible from '@ai-sdk/openai-compatible';
import * as langchain from '@langchain/openai';
import * as ai from 'ai';
import {expect} from 'chai';
import OpenAI from 'openai';
import type {CreateChat, GemmaClient, LoadOptions} from '../../../src/client/gemma-client.ts';
import type {ChatCompletionParams, RequestOptions} from '../../../src/client/shapes.ts';
import * as entry from '../../../src/openai/index.ts';
import {says, tinyTokenizer} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker} from '../../helpers/fake-worker.ts';

const page = readFileSync(new URL('../../../docs/openai.md', import.meta.url), 'utf8');
const PROGRAMS = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
const [SETUP, ...REST] = PROGRAMS;
const CALL = '<|tool_call>call:opening_hours{day:<|"|>Sunday<|"|>}<tool_call|>';
const response = tinyTokenizer().idOf('<|tool_response>') as number;

/** What the model says to a program, and what the program prints. */
const EXPECTED: [of: string, next: (tokens: readonly number[]) => number, printed: RegExp][] = [
  ['stream: true,\n}', says('No, it is closed'), /^No, it is closed$/],
  ['stopping.abort', says('1 2 3 4 5 6 7 8 9'), /^1/],
  [
    'opening_hours',
    (tokens) => (tokens.includes(response) ? says('Sunday: closed') : says(CALL, '<|tool_response>'))(tokens),
    /^Sunday: closed$/,
  ],
  ['json_schema', says('{"open":false}'), /^false$/],
  ['top_logprobs', says('no'), /^(\S* ?2)+$/],
  ['responses.create', says('No, it is closed'), /^No, it is closed$/],
  ['createOpenAICompatible', says('No, it is closed'), /^No, it is closed$/],
  ['ChatOpenAI', says('No, it is closed'), /^No, it is closed$/],
];

const MODULES: Record<string, object> = {
  openai: {default: OpenAI},
  'gemma-chat/openai': entry,
  '@langchain/openai': langchain,
  '@ai-sdk/openai-compatible': compatible,
  ai,
};

/** The client of a model that says what is likeliest. */
function certain({chat, completions, models}: GemmaClient): entry.ChatClient {
  const create = ((params: object, options?: RequestOptions) =>
    chat.completions.create({temperature: 0, ...params} as ChatCompletionParams, options)) as CreateChat;
  return {chat: {completions: {create}}, completions, models};
}

/** Runs code of a page whose worker is `worker`; gives what it prints. */
async function run(code: string, worker: FakeWorker): Promise<string> {
  const modules = {
    ...MODULES,
    'gemma-chat/client': {GemmaClient: {load: async (given: LoadOptions) => certain(await worker.load(given))}},
  };
  const body = code.replace(
    /^import (.*?) from '(.*?)';$/gm,
    (_, names: string, from: string) =>
      `const ${names.startsWith('{') ? names : `{default: ${names}}`} = modules[${JSON.stringify(from)}];`,
  );
  const printed: unknown[] = [];
  const program = new Function('modules', 'print', `return (async () => {${body}})()`);
  await program(modules, (...said: unknown[]) => printed.push(said.join(' ')));
  return printed.join('');
}

describe('docs/openai.md', () => {
  afterEach(closePorts);

  it('has a program for each expectation', () => {
    expect(REST.map((code) => EXPECTED.findIndex(([of]) => code.includes(of)))).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  for (const [i, [of, next, printed]] of EXPECTED.entries()) {
    it(`program ${i + 1} runs (${of.replace(/\s+/g, ' ')})`, async () => {
      const worker = new FakeWorker({contextLength: 2048, next});
      expect(await run(`${SETUP}\n${REST[i]}`, worker)).to.match(printed);
    });
  }
});

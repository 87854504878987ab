// The programs of docs/openai.md, word for word: the real libraries over the real client and a fake worker.
import {readFileSync} from 'node:fs';
import * as compatible from '@ai-sdk/openai-compatible';
import * as langchain from '@langchain/openai';
import * as ai from 'ai';
import {expect} from 'chai';
import OpenAI from 'openai';
import * as entry from '../../../src/openai/index.ts';
import {says, tinyTokenizer} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker} from '../../helpers/fake-worker.ts';
import {clientModule, programsOf, runProgram} from '../../helpers/run-program.ts';

const page = readFileSync(new URL('../../../docs/openai.md', import.meta.url), 'utf8');
const [SETUP, ...REST] = programsOf(page);
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

describe('docs/openai.md', () => {
  afterEach(closePorts);

  it('has a program for each expectation', () => {
    expect(REST.map((code) => EXPECTED.findIndex(([of]) => code.includes(of)))).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  for (const [i, [of, next, expected]] of EXPECTED.entries()) {
    it(`program ${i + 1} runs (${of.replace(/\s+/g, ' ')})`, async () => {
      const worker = new FakeWorker({contextLength: 2048, next});
      const modules = {...MODULES, 'gemma-chat/client': clientModule(worker)};
      expect((await runProgram(`${SETUP}\n${REST[i]}`, modules)).printed).to.match(expected);
    });
  }
});

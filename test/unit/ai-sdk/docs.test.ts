// The programs of docs/ai-sdk.md, word for word: the real SDK over the real client and a fake worker.
import {readFileSync} from 'node:fs';
import * as ai from 'ai';
import {expect} from 'chai';
import * as zod from 'zod';
import * as entry from '../../../src/ai-sdk/index.ts';
import {says, tinyTokenizer} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker} from '../../helpers/fake-worker.ts';
import {clientModule, programsOf, runProgram} from '../../helpers/run-program.ts';

const [SETUP, ...REST] = programsOf(readFileSync(new URL('../../../docs/ai-sdk.md', import.meta.url), 'utf8'));
const TRANSPORT = REST.pop() as string;
const CALL = '<|tool_call>call:opening_hours{day:<|"|>Sunday<|"|>}<tool_call|>';
const RESPONSE = tinyTokenizer().idOf('<|tool_response>') as number;

const EXPECTED: [of: string, next: (tokens: readonly number[]) => number, printed: RegExp][] = [
  ['textStream, usage', says('No, it is closed'), /^No, it is closed {2}true$/],
  [
    'stepCountIs',
    (tokens) => (tokens.includes(RESPONSE) ? says('Sunday: closed') : says(CALL, '<|tool_response>'))(tokens),
    /^Sunday: closed 2$/,
  ],
  ['generateObject', says('{"open":false}'), /^false$/],
  ['abortSignal: stopping', says('1 2 3 4 5 6 7 8 9'), /^1/],
];

const page = (next: (tokens: readonly number[]) => number) => ({
  ai,
  zod,
  'gemma-chat/ai-sdk': entry,
  'gemma-chat/client': clientModule(new FakeWorker({contextLength: 2048, next})),
});

describe('docs/ai-sdk.md', () => {
  afterEach(closePorts);

  it('has a program for each expectation', () => {
    expect(REST.map((code) => EXPECTED.findIndex(([of]) => code.includes(of)))).to.deep.equal([0, 1, 2, 3]);
  });

  for (const [i, [of, next, expected]] of EXPECTED.entries()) {
    it(`program ${i + 1} runs (${of})`, async () => {
      expect((await runProgram(`${SETUP}\n${REST[i]}`, page(next))).printed).to.match(expected);
    });
  }

  it('has a transport for useChat: a message is answered in its parts, the download told before', async () => {
    const modules = page(says('No, it is closed'));
    const {load} = modules['gemma-chat/client'].GemmaClient;
    let fails = true;
    modules['gemma-chat/client'].GemmaClient.load = (given) => {
      const failing = fails;
      fails = false;
      return failing ? Promise.reject(new Error('the network is gone')) : load(given);
    };
    const {result} = await runProgram(TRANSPORT, modules, 'transport');
    const parts: {type: string}[] = [];
    /** What useChat is on, without React. */
    class Chat extends ai.AbstractChat<ai.UIMessage> {
      constructor(transport: ai.ChatTransport<ai.UIMessage>) {
        const state: ai.ChatState<ai.UIMessage> = {
          status: 'ready',
          error: undefined,
          messages: [],
          pushMessage: (message) => state.messages.push(message),
          popMessage: () => state.messages.pop(),
          replaceMessage: (index, message) => state.messages.splice(index, 1, message),
          snapshot: structuredClone,
        };
        super({transport, state, onData: (part) => parts.push(part)});
      }
    }
    const chat = new Chat(result as ai.ChatTransport<ai.UIMessage>);
    await chat.sendMessage({text: 'Hello?'});
    expect(chat.status, 'after a load that failed').to.equal('error');
    chat.clearError();
    chat.messages = [];
    for (const text of ['Are you open on Sunday?', 'And on Monday?']) await chat.sendMessage({text});
    expect(chat.error).to.equal(undefined);
    expect(chat.messages.map(({role}) => role)).to.deep.equal(['user', 'assistant', 'user', 'assistant']);
    const said = chat.messages[1].parts.filter((part) => part.type === 'text').map((part) => part.text);
    expect(said).to.deep.equal(['No, it is closed']);
    expect(new Set(parts.map(({type}) => type))).to.deep.equal(new Set(['data-load']));
  });
});

// The programs of docs/language-model.md, word for word: over the real client and a fake worker.
import {readFileSync} from 'node:fs';
import {expect} from 'chai';
import {says, tinyTokenizer} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker} from '../../helpers/fake-worker.ts';
import {runProgram} from './harness.ts';

const page = readFileSync(new URL('../../../docs/language-model.md', import.meta.url), 'utf8');
const PROGRAMS = [...page.matchAll(/```js\n([\s\S]*?)```/g)]
  .map(([, code]) => code)
  .filter(
    // The one of the tasks runs in test/unit/language-tasks.
    (code) => !code.includes('language-tasks'),
  );

describe('docs/language-model.md', () => {
  afterEach(closePorts);
  const call = says('<|tool_call>call:opening_hours{day:<|"|>Sunday<|"|>}<tool_call|>', '<|tool_response>');
  const answers = says('No, it is closed');
  const response = tinyTokenizer().idOf('<|tool_response>') as number;

  for (const [i, code] of PROGRAMS.entries()) {
    it(`program ${i + 1} runs`, async () => {
      const asksTools = code.includes('inputSchema');
      const next = (tokens: readonly number[]) => (!asksTools || tokens.includes(response) ? answers : call)(tokens);
      const printed = await runProgram(code, new FakeWorker({contextLength: 512, next}));
      expect(printed.join(' ')).to.match([/it is closed .* of 512 tokens/, /0 % 100 %/, /^No, it is closed$/][i]);
    });
  }
});

// Every option of OpenAI's three ways to ask, sent to the page: the table of docs/openai.md is what came back. With UPDATE_DOCS=1 it
// is written anew.
import {readFileSync, writeFileSync} from 'node:fs';
import {expect} from 'chai';
import {BOOKKEEPING} from '../../../src/client/openai-options.ts';
import {openaiFetch} from '../../../src/openai/index.ts';
import {says} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker} from '../../helpers/fake-worker.ts';

const PAGE = new URL('../../../docs/openai.md', import.meta.url);
const [BEGIN, END] = ['<!-- options: written by test/unit/openai/options.test.ts -->', '<!-- /options -->'];

const ways = ['chat/completions', 'completions', 'responses'] as const;
type Way = (typeof ways)[number];

const parameters = {type: 'object', properties: {}, additionalProperties: false};
const tool = {type: 'function', function: {name: 'f', parameters}};
const ASK: Record<Way, object> = {
  'chat/completions': {messages: [{role: 'user', content: 'x'}]},
  completions: {prompt: 'x'},
  responses: {input: 'x'},
};

/** A value for each option, and what has to stand beside it. By way where they differ. */
const CHAT: Record<string, unknown> = {
  audio: {voice: 'alloy', format: 'mp3'},
  frequency_penalty: 0.5,
  function_call: 'auto',
  functions: [{name: 'f'}],
  logit_bias: {'5': 1},
  logprobs: true,
  max_completion_tokens: 3,
  max_tokens: 3,
  metadata: {a: 'b'},
  modalities: ['text'],
  model: 'gemma',
  moderation: {},
  n: 2,
  parallel_tool_calls: false,
  prediction: {type: 'content', content: 'x'},
  presence_penalty: 0.5,
  prompt_cache_key: 'k',
  prompt_cache_retention: '24h',
  reasoning_effort: 'none',
  response_format: {type: 'json_object'},
  safety_identifier: 's',
  seed: 1,
  service_tier: 'auto',
  stop: ['END'],
  store: false,
  stream: true,
  stream_options: {include_usage: true},
  temperature: 1,
  tool_choice: 'none',
  tools: [tool],
  top_logprobs: 2,
  top_p: 0.9,
  user: 'u',
  verbosity: 'medium',
  web_search_options: {},
};
const TEXT: Record<string, unknown> = {
  best_of: 2,
  echo: true,
  suffix: 'x',
  logprobs: 2,
  ...Object.fromEntries(
    ['frequency_penalty', 'logit_bias', 'max_tokens', 'model', 'n', 'presence_penalty', 'seed', 'stop', 'stream'].map(
      (name) => [name, CHAT[name]],
    ),
  ),
  ...{stream_options: CHAT.stream_options, temperature: 1, top_p: 0.9, user: 'u'},
};
const RESPONSES: Record<string, unknown> = {
  background: true,
  conversation: 'c',
  include: ['file_search_call.results'],
  instructions: 'x',
  max_output_tokens: 3,
  max_tool_calls: 1,
  metadata: {a: 'b'},
  model: 'gemma',
  parallel_tool_calls: false,
  previous_response_id: 'r',
  prompt: {id: 'p'},
  prompt_cache_key: 'k',
  prompt_cache_retention: '24h',
  reasoning: {effort: 'none'},
  safety_identifier: 's',
  service_tier: 'auto',
  store: false,
  stream: true,
  stream_options: {include_obfuscation: false},
  temperature: 1,
  text: {format: {type: 'json_object'}},
  tool_choice: 'none',
  tools: [{type: 'function', name: 'f', parameters, strict: false}],
  top_logprobs: 2,
  top_p: 0.9,
  truncation: 'auto',
  user: 'u',
};
const OF: Record<Way, Record<string, unknown>> = {'chat/completions': CHAT, completions: TEXT, responses: RESPONSES};
const BESIDE: Record<string, object> = {
  top_logprobs: {logprobs: true},
  parallel_tool_calls: {tools: [tool]},
  tool_choice: {tools: [tool]},
  stream_options: {stream: true},
};

/** `yes`, `no effect`, or why not. */
async function outcome(fetch: typeof globalThis.fetch, way: Way, name: string): Promise<string> {
  if (!(name in OF[way])) return '–';
  const beside = way === 'chat/completions' || name === 'stream_options' ? BESIDE[name] : {};
  const isLimit = name.startsWith('max_');
  const limit = isLimit ? {} : {[way === 'responses' ? 'max_output_tokens' : 'max_tokens']: 3};
  const body = {...ASK[way], ...limit, ...beside, [name]: OF[way][name]};
  const response = await fetch(`https://gemma.invalid/v1/${way}`, {method: 'POST', body: JSON.stringify(body)});
  const text = await response.text();
  if (response.ok) {
    const hint = ['stream_options', 'prompt_cache_key', 'prompt_cache_retention', 'safety_identifier'];
    const none = BOOKKEEPING.includes(name) || (way === 'responses' && hint.includes(name));
    return none ? 'no effect' : 'yes';
  }
  const {message} = (JSON.parse(text) as {error: {message: string}}).error;
  // What the option is refused for, without the list of those that there are.
  const why = message
    .replace(/^.*?(has no option "\w+"|have no \w+ here|have no option "\w+")/, '')
    .split('; it has ')[0];
  return `no${why.replace(/^[;:]? ?/, ': ').replace(/: $/, '')}`;
}

describe('options of OpenAI’s', () => {
  afterEach(closePorts);

  it('are met, of no effect or refused as the table of docs/openai.md says', async () => {
    const worker = new FakeWorker({contextLength: 512, next: says('{}')});
    const fetch = openaiFetch(await worker.load());
    const names = [...new Set(ways.flatMap((way) => Object.keys(OF[way])))].sort();
    const rows: string[] = [];
    for (const name of names) {
      const cells: string[] = [];
      for (const way of ways) cells.push(await outcome(fetch, way, name));
      rows.push(`| \`${name}\` | ${cells.join(' | ')} |`);
    }
    const head = `| option | ${ways.map((way) => `\`${way}\``).join(' | ')} |\n|---|---|---|---|`;
    const table = `${BEGIN}\n${head}\n${rows.join('\n')}\n${END}`;
    const page = readFileSync(PAGE, 'utf8');
    const [from, to] = [page.indexOf(BEGIN), page.indexOf(END) + END.length];
    expect(from, 'where the table is').to.be.above(0);
    if (process.env.UPDATE_DOCS === '1') writeFileSync(PAGE, page.slice(0, from) + table + page.slice(to));
    else expect(page.slice(from, to)).to.equal(table);
  });
});

// Chat templates as published with the models, rendered by us and by llama.cpp's own Jinja interpreter: equal character
// for character, and token for token where no text looks like markup. The built-in forms equal the published ones.
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {expect} from 'chai';
import {writeGguf} from '../../scripts/model-files/gguf-writer.ts';
import {renderGemma3} from '../../src/chat/gemma3-template.ts';
import {renderGemma4} from '../../src/chat/gemma4-template.ts';
import {OutputParser} from '../../src/chat/output-parser.ts';
import {renderToText, renderToTokens} from '../../src/chat/template.ts';
import {templateMessage, templateTool} from '../../src/chat/template-input.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {createTemplate} from '../helpers/chat-template.ts';
import {LlamaModel, llamaJinja} from './llama.mjs';
import {STRINGS} from './strings.mjs';
import {gemma3Vocabulary, gemma4Vocabulary, llamaSource} from './vocabularies.mjs';

const user = (content) => ({role: 'user', content});
const model = (content, more = {}) => ({role: 'assistant', content, ...more});
const system = (content) => ({role: 'system', content});
const answer = (id, content) => ({role: 'tool', tool_call_id: id, content});
const call = (id, name, args) => ({id, type: 'function', function: {name, arguments: JSON.stringify(args)}});

// Keys in lower case: Jinja's dictsort ignores case, as ours does, and llama.cpp's does not. No null: earlier revisions
// print what the interpreter makes of it, later ones `null`.
const WEATHER = call('1', 'weather', {
  city: 'Rome',
  days: [1, 2.5, true],
  unit: 'C',
  more: {b: 'x "y"', a: {}, list: [{k: 'v'}]},
});
const TIME = call('2', 'now', {});

const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'weather',
      description: 'At a place',
      parameters: {
        type: 'object',
        properties: {
          city: {type: 'string', description: 'Where'},
          unit: {type: 'string', enum: ['C', 'F'], nullable: true},
          days: {
            type: 'array',
            items: {type: 'object', properties: {n: {type: 'integer'}}, required: ['n'], x: {y: 'z'}},
          },
          spot: {type: 'object', properties: {lat: {type: 'number'}, lon: {type: 'number'}}, required: ['lat']},
        },
        required: ['city'],
      },
    },
  },
  {type: 'function', function: {name: 'now', description: 'The time'}},
];

/** Chats that both families' templates take. */
const PLAIN_CHATS = {
  'a question': [user(' hi ')],
  'a system turn': [system('Be brief.\n'), user('a\n\nb')],
  'several turns': [user('a'), model('b'), user('c'), model(' d\n'), user('e')],
  'a system turn and several turns': [system('S'), user('a'), model('b'), user('c')],
  'many scripts': [system('日本語で。'), user('Où est le café ? 😀'), model('यहाँ'), user('שלום\tعليكم')],
  'Jinja in texts': [user('{{ bos_token }} {% if %} {# x #}'), model('{%- raw -%}'), user('\'"\\n')],
};

/** What only Gemma 4's templates take. */
const GEMMA_4_CHATS = {
  'an earlier thought in the text': [user('a'), model('<|channel>thought\nhm<channel|> c '), user('d')],
  'an earlier thought beside the text': [user('a'), model('b', {reasoning: 'hm'}), user('d')],
  'a thought after the last question': [user('a'), model('b', {reasoning: 'hm'})],
  'a developer turn': [{role: 'developer', content: 'D'}, user('a')],
  'two answers in a row': [user('a'), model('b'), model('c'), user('d')],
  'a call that waits': [user('w?'), model('', {tool_calls: [WEATHER], reasoning: 'let me see'})],
  'two calls that wait': [user('w?'), model('', {tool_calls: [WEATHER, TIME]})],
  'a call answered': [user('w?'), model('', {tool_calls: [WEATHER]}), answer('1', 'sunny')],
  'two calls answered': [
    user('w?'),
    model('', {tool_calls: [WEATHER, TIME], reasoning: 'both'}),
    answer('1', 'sunny'),
    answer('2', '12:00'),
  ],
  'a call, its answer and what was made of it': [
    system('S'),
    user('w?'),
    model('', {tool_calls: [WEATHER], reasoning: 'hm'}),
    answer('1', 'sunny'),
    model('Sunny.'),
    user('thanks'),
  ],
  'calls over several turns': [
    user('w?'),
    model('', {tool_calls: [WEATHER]}),
    answer('1', 'sunny'),
    model('', {tool_calls: [TIME]}),
    answer('2', '{"h": 12}'),
    model('Noon, sunny.'),
    user('and then?'),
    model('I do not know.'),
    user('why?'),
  ],
};

describe('chat templates beside llama.cpp', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'gemma-chat-template-'));
  const source = llamaSource(folder);
  const gemma4 = gemma4Vocabulary(folder, source).file;
  const gemma3 = gemma3Vocabulary(folder);
  const published = (name) => source(`models/templates/${name}`).toString();

  after(() => rmSync(folder, {recursive: true, force: true}));

  const cases = [
    ["Gemma 3's", gemma3, null, PLAIN_CHATS, [[]]],
    ["Gemma 4's, of the file with its vocabulary", gemma4, null, {...PLAIN_CHATS, ...GEMMA_4_CHATS}, [[], TOOLS]],
    ["Gemma 4 31B's", gemma4, 'google-gemma-4-31B-it.jinja', {...PLAIN_CHATS, ...GEMMA_4_CHATS}, [[], TOOLS]],
    [
      "Gemma 4 31B's with interleaved thoughts",
      gemma4,
      'google-gemma-4-31B-it-interleaved.jinja',
      {...PLAIN_CHATS, ...GEMMA_4_CHATS},
      [[], TOOLS],
    ],
  ];
  for (const [name, file, templateName, chats, toolLists] of cases) {
    describe(name, () => {
      let tokenizer;
      let template;
      let theirs;
      let reference;

      before(async () => {
        tokenizer = await tokenizerOf(file, templateName && published(templateName));
        template = createTemplate(tokenizer);
        theirs = llamaJinja(tokenizer.chatTemplate);
        reference = new LlamaModel(file, {vocabOnly: true});
      });

      after(() => reference.free());

      for (const [chat, messages] of Object.entries(chats)) {
        it(`renders ${chat}`, () => {
          const can = template.can();
          for (const options of everyOption(toolLists)) {
            // Refused by name, where llama.cpp leaves it out.
            if ((options.thinking && !can.thinking) || (options.tools.length > 0 && !can.tools)) continue;
            const expected = theirs(variables(messages, options));
            const how = JSON.stringify({...options, tools: options.tools.length});
            expect(renderToText(tokenizer, template, messages, options), how).to.equal(expected);
            // A thought within a text is markup to llama.cpp, and text that was dropped to us.
            const ids = reference.tokenize(expected, {parseSpecial: true});
            expect(renderToTokens(tokenizer, template, messages, options), how).to.deep.equal(ids);
          }
        });
      }

      it('renders every awkward string that holds no markup', () => {
        // Texts that look like markup are told apart from it here, and by llama.cpp from a whole prompt are not.
        const texts = STRINGS.filter((text) => !/[<>|]/.test(text) && text.isWellFormed() && !/▁[▁ ]| ▁/.test(text));
        for (let i = 0; i + 3 < texts.length; i += 4) {
          const [first, question, said, next] = texts.slice(i, i + 4);
          const messages = [system(first), user(question), model(said), user(next)];
          const options = {tools: [], thinking: i % 8 === 0 && template.can().thinking, addGenerationPrompt: true};
          const expected = theirs(variables(messages, options));
          expect(renderToText(tokenizer, template, messages, options)).to.equal(expected);
          expect(renderToTokens(tokenizer, template, messages, options)).to.deep.equal(
            reference.tokenize(expected, {parseSpecial: true}),
          );
        }
      });
    });
  }

  it('reads back, token by token and byte by byte, the thoughts and calls that a template writes', async () => {
    const tokenizer = await tokenizerOf(gemma4, published('google-gemma-4-31B-it.jinja'));
    const messages = [user('w?'), model('', {tool_calls: [WEATHER, TIME], reasoning: 'let me see 😀'})];
    const options = {tools: TOOLS, thinking: true, addGenerationPrompt: false};
    const text = llamaJinja(tokenizer.chatTemplate)(variables(messages, options)).split('<|turn>model\n')[1];
    const tags = /(<\|channel>|<channel\|>|<\|tool_call>|<tool_call\|>|<\|"\|>|<\|tool_response>|<turn\|>)/;
    const byte = (value) => tokenizer.idOf(`<0x${value.toString(16).toUpperCase().padStart(2, '0')}>`);
    const spelled = text
      .split(tags)
      .flatMap((part) => (tags.test(part) ? [tokenizer.idOf(part)] : [...Buffer.from(part)].map(byte)));
    for (const ids of [tokenizer.encode(text, {addBos: false, parseSpecial: true}), spelled]) {
      const parser = new OutputParser(tokenizer, {callId: (n) => String(n + 1)});
      const events = [
        ...ids.filter((id) => tokenizer.tokenText(id) !== '<turn|>').flatMap((id) => parser.push(id)),
        ...parser.flush(),
      ];
      const thought = events.flatMap((event) => (event.type === 'reasoning' ? event.delta : [])).join('');
      expect(thought).to.equal('let me see 😀');
      const calls = events.flatMap((event) => (event.type === 'tool-call' ? event.call : []));
      const plain = (list) => list.map(({function: {name, arguments: args}}) => [name, JSON.parse(args)]);
      expect(plain(calls)).to.deep.equal(plain([WEATHER, TIME]));
      expect(
        events
          .filter(({type}) => type === 'content')
          .map(({delta}) => delta.trim())
          .join(''),
      ).to.equal('');
    }
  });

  it("has a built-in form equal to Gemma 3's published template", async () => {
    const theirs = llamaJinja((await tokenizerOf(gemma3)).chatTemplate);
    for (const messages of Object.values(PLAIN_CHATS)) {
      for (const options of everyOption([[]])) {
        expect(renderGemma3(input(messages, options))).to.equal(theirs(variables(messages, options)));
      }
    }
  });

  it("has a built-in form equal to Gemma 4's published template of a large model", () => {
    const theirs = llamaJinja(published('google-gemma-4-31B-it.jinja'));
    for (const [name, messages] of Object.entries({...PLAIN_CHATS, ...GEMMA_4_CHATS})) {
      for (const options of everyOption([[], TOOLS])) {
        // This revision forgets to reopen the thought after a tool's answer, and closes a turn that it then goes on
        // with; later ones do neither.
        if (messages.at(-1).role === 'tool' && options.thinking) continue;
        if (name === 'two answers in a row') continue;
        const how = `${name} ${JSON.stringify({...options, tools: options.tools.length})}`;
        expect(renderGemma4(input(messages, options), true), how).to.equal(theirs(variables(messages, options)));
      }
    }
  });
});

function* everyOption(toolLists) {
  for (const tools of toolLists) {
    for (const thinking of [false, true]) {
      for (const addGenerationPrompt of [false, true]) yield {tools, thinking, addGenerationPrompt};
    }
  }
}

/** What Hugging Face's and llama.cpp's callers give a template. */
function variables(messages, {tools, thinking, addGenerationPrompt}) {
  return {
    messages: messages.map(templateMessage),
    ...(tools.length > 0 ? {tools: tools.map(templateTool)} : {}),
    enable_thinking: thinking,
    add_generation_prompt: addGenerationPrompt,
    bos_token: '<bos>',
  };
}

function input(messages, {tools, thinking, addGenerationPrompt}) {
  return {
    messages: messages.map(templateMessage),
    tools: tools.map(templateTool),
    thinking,
    addGenerationPrompt,
    bosToken: '<bos>',
  };
}

/** A vocabulary's tokenizer, with its own template or another. */
async function tokenizerOf(file, template = null) {
  const read = async (bytes) => (await readGguf(memorySource(bytes))).metadata;
  const metadata = await read(new Uint8Array(readFileSync(file)));
  if (template === null) return createTokenizer(metadata);
  const raw = Object.fromEntries([...metadata.keys()].map((key) => [key, metadata.raw(key)]));
  return createTokenizer(
    await read(new Uint8Array(writeGguf({metadata: {...raw, 'tokenizer.chat_template': template}}))),
  );
}

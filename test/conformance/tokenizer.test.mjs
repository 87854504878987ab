// The tokenizer against llama.cpp's, called through its C interface: Gemma 4's real vocabulary with llama.cpp's own
// vectors, and every awkward string of strings.mjs with control tokens recognised and not. The SentencePiece-style
// algorithm runs over the same vocabulary, written to a file as a `llama` model.
import {execFileSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {Template} from '@huggingface/jinja';
import {getBinsDir} from '@node-llama-cpp/linux-x64';
import {expect} from 'chai';
import koffi from 'koffi';
import {renderGemma4} from '../../src/chat/gemma4-template.ts';
import {createTemplate, renderToText, renderToTokens} from '../../src/chat/template.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {writeGguf} from '../fixtures/gguf-writer.ts';
import {STRINGS} from './strings.mjs';

const VOCABULARY = 'ggml-vocab-gemma-4.gguf';

const TEMPLATE = 'google-gemma-4-31B-it.jinja';

const CALL = {
  id: '1',
  type: 'function',
  function: {name: 'weather', arguments: {city: 'Rome', days: [1, 2.5, true], Unit: 'C', more: {b: 'x', A: {}}}},
};

/** Three messages that end in a tool's answer: there the published template forgets to reopen the thought. */
const CHATS = [
  [{role: 'user', content: ' hi '}],
  [
    {role: 'system', content: 'Be brief.\n'},
    {role: 'user', content: 'a\n\nb'},
    {role: 'assistant', content: '<|channel>thought\nhm<channel|> c '},
    {role: 'user', content: 'd'},
  ],
  [
    {role: 'user', content: 'w?'},
    {role: 'assistant', content: '', tool_calls: [CALL]},
    {role: 'tool', tool_call_id: '1', content: 'sunny'},
  ],
  [
    {role: 'user', content: 'w?'},
    {role: 'assistant', content: '', reasoning: 'let me see', tool_calls: [CALL, {...CALL, id: '2'}]},
  ],
  [
    {role: 'user', content: 'w?'},
    {role: 'assistant', content: '', tool_calls: [CALL]},
    {role: 'tool', tool_call_id: '1', content: 'sunny'},
    {role: 'assistant', content: 'Sunny.'},
    {role: 'user', content: 'thanks'},
  ],
];

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
          Unit: {type: 'string', enum: ['C', 'F'], nullable: true},
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
  {type: 'function', function: {name: 'now', description: 'The time', response: {type: 'object', description: 'ISO'}}},
];

describe('tokenizer beside llama.cpp', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'gemma-chat-tokenizer-'));
  const bpeFile = path.join(folder, VOCABULARY);
  const spmFile = path.join(folder, 'as-llama.gguf');
  let llama;

  before(async () => {
    unpackVocabulary(folder);
    llama = openLlama();
    writeFileSync(spmFile, asSentencePiece((await parse(bpeFile)).metadata));
  });

  after(() => rmSync(folder, {recursive: true, force: true}));

  it('gives the ids of every vector that llama.cpp ships with the Gemma 4 vocabulary', async () => {
    const tokenizer = createTokenizer((await parse(bpeFile)).metadata);
    const inputs = readFileSync(`${bpeFile}.inp`, 'utf8').split('\n__ggml_vocab_test__\n');
    const outputs = readFileSync(`${bpeFile}.out`, 'utf8').split('\n');
    let checked = 0;
    inputs.forEach((text, i) => {
      if (outputs[i] === undefined) return; // the input file ends with a separator
      const expected = (outputs[i].match(/\d+/g) ?? []).map(Number);
      expect(tokenizer.encode(text, {addBos: false}), JSON.stringify(text)).to.deep.equal(expected);
      checked++;
    });
    expect(checked).to.equal(46);
  });

  it("makes the prompt that the file's own template and llama.cpp make", async () => {
    const tokenizer = createTokenizer((await parse(bpeFile)).metadata);
    const reference = llama.open(bpeFile);
    const template = createTemplate(tokenizer);
    const plain = new Template(tokenizer.chatTemplate);
    // Texts that look like markup are told apart from it here, and by llama.cpp from a whole prompt are not.
    const texts = STRINGS.filter((text) => !/[<>|]/.test(text) && text.isWellFormed());
    for (let i = 0; i + 3 < texts.length; i += 4) {
      const [system, question, answer, next] = texts.slice(i, i + 4);
      const messages = [
        {role: 'system', content: system},
        {role: 'user', content: question},
        {role: 'assistant', content: answer},
        {role: 'user', content: next},
      ];
      const thinking = i % 8 === 0;
      const prompt = plain.render({
        messages,
        bos_token: '<bos>',
        enable_thinking: thinking,
        add_generation_prompt: true,
      });
      expect(renderToText(tokenizer, template, messages, {thinking})).to.equal(prompt);
      expect(renderToTokens(tokenizer, template, messages, {thinking})).to.deep.equal(reference.tokenize(prompt, true));
    }
    reference.close();
  });

  it('has a built-in form equal to the published template of a large model', () => {
    const source = readFileSync(path.join(folder, TEMPLATE), 'utf8');
    const plain = new Template(source);
    for (const messages of CHATS) {
      for (const tools of [[], TOOLS]) {
        for (const addGenerationPrompt of [true, false]) {
          const thinking = tools.length > 0 && messages.length !== 3;
          const input = {messages, tools, thinking, addGenerationPrompt, bosToken: '<bos>'};
          const expected = plain.render({
            messages,
            tools: tools.length > 0 ? tools : null,
            enable_thinking: thinking,
            add_generation_prompt: addGenerationPrompt,
            bos_token: '<bos>',
          });
          expect(renderGemma4(input, true)).to.equal(expected);
        }
      }
    }
  });

  it('has at least 300 awkward strings', () => expect(STRINGS.length).to.be.at.least(300));

  for (const [name, file] of [
    ['Gemma 4 (BPE)', bpeFile],
    ['the same vocabulary by scores (SentencePiece-style)', spmFile],
  ]) {
    describe(name, () => {
      let tokenizer;
      let reference;

      before(async () => {
        tokenizer = createTokenizer((await parse(file)).metadata);
        reference = llama.open(file);
      });

      after(() => reference.close());

      for (const parseSpecial of [false, true]) {
        it(`encodes every string to the same ids, control tokens ${parseSpecial ? '' : 'not '}recognised`, () => {
          for (const text of STRINGS) {
            const ids = tokenizer.encode(text, {addBos: false, parseSpecial});
            const expected = reference.tokenize(text, parseSpecial);
            expect(ids, JSON.stringify(text.slice(0, 200))).to.deep.equal(expected);
          }
        });
      }

      it('gives every token the same bytes in text, control tokens silent or not', () => {
        for (let id = 0; id < tokenizer.vocabSize; id++) {
          for (const special of [false, true]) {
            const bytes = Buffer.from(tokenizer.tokenBytes(id, {special}));
            const expected = reference.piece(id, special);
            if (!bytes.equals(expected)) expect.fail(`token ${id}: ${bytes.inspect()} is not ${expected.inspect()}`);
          }
        }
      });

      it('decodes every string back', () => {
        for (const text of STRINGS) {
          const decoded = tokenizer.decode(tokenizer.encode(text, {addBos: false, parseSpecial: true}), {
            special: true,
          });
          // Lone surrogates are U+FFFD by then, and the mark for a space cannot be told from a space.
          expect(decoded).to.equal(Buffer.from(text).toString().replaceAll('▁', ' '));
        }
      });
    });
  }
});

/** llama.cpp's source comes as a git bundle inside the npm package, and the vocabulary with it. */
function unpackVocabulary(folder) {
  const main = createRequire(import.meta.url).resolve('node-llama-cpp');
  const bundle = path.join(path.dirname(main), '..', 'llama', 'gitRelease.bundle');
  const repository = path.join(folder, 'llama.cpp');
  execFileSync('git', ['clone', '--quiet', '--bare', bundle, repository]);
  const files = [VOCABULARY, `${VOCABULARY}.inp`, `${VOCABULARY}.out`, `templates/${TEMPLATE}`];
  for (const file of files) {
    const bytes = execFileSync('git', ['-C', repository, 'show', `HEAD:models/${file}`], {maxBuffer: 2 ** 26});
    writeFileSync(path.join(folder, path.basename(file)), bytes);
  }
}

function parse(file) {
  const bytes = new Uint8Array(readFileSync(file));
  return readGguf({
    name: path.basename(file),
    size: bytes.length,
    read: async (offset, length) => bytes.slice(offset, offset + length),
    async *stream(offset, length) {
      yield bytes.slice(offset, offset + length);
    },
  });
}

/** The file that a converter would write for a SentencePiece model with these tokens: earlier ids score higher. */
function asSentencePiece(metadata) {
  const tokens = metadata.raw('tokenizer.ggml.tokens');
  return writeGguf({
    metadata: {
      'general.architecture': 'gemma3',
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.pre': 'default',
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.scores': Float32Array.from({length: tokens.value.length}, (_, id) => -id),
      'tokenizer.ggml.token_type': metadata.raw('tokenizer.ggml.token_type'),
      'tokenizer.ggml.bos_token_id': 2,
      'tokenizer.ggml.eos_token_id': 1,
      'tokenizer.ggml.unknown_token_id': 3,
      'tokenizer.ggml.add_space_prefix': false,
    },
  });
}

/** The few functions of llama.h that a vocabulary needs. The struct is that of the pinned version. */
function openLlama() {
  const folder = path.join(getBinsDir().binsDir, 'linux-x64');
  koffi.load(path.join(folder, 'libggml-base.so'));
  const ggml = koffi.load(path.join(folder, 'libggml.v0.5.0.so'));
  const library = koffi.load(path.join(folder, 'libllama.v0.5.0.so'));
  const pointers = (...names) => Object.fromEntries(names.map((name) => [name, 'void *']));
  const integers = (...names) => Object.fromEntries(names.map((name) => [name, 'int32_t']));
  const booleans = (...names) => Object.fromEntries(names.map((name) => [name, 'bool']));
  const Params = koffi.struct({
    ...pointers('devices', 'tensor_buft_overrides'),
    ...integers('n_gpu_layers', 'split_mode', 'load_mode', 'lazy_mode', 'main_gpu'),
    ...pointers('tensor_split', 'progress_callback', 'progress_callback_user_data', 'kv_overrides'),
    ...booleans('vocab_only', 'check_tensors', 'use_extra_bufts', 'no_host', 'no_alloc', 'load_mtp'),
  });
  const silent = koffi.register(() => {}, koffi.pointer(koffi.proto('void (int level, const char *text, void *user)')));
  library.func('llama_log_set', 'void', ['void *', 'void *'])(silent, null);
  ggml.func('ggml_backend_load_all_from_path', 'void', ['str'])(folder);
  const defaults = library.func('llama_model_default_params', Params, []);
  const load = library.func('llama_model_load_from_file', 'void *', ['str', Params]);
  const vocabularyOf = library.func('llama_model_get_vocab', 'void *', ['void *']);
  const free = library.func('llama_model_free', 'void', ['void *']);
  const tokenize = library.func('llama_tokenize', 'int32_t', [
    'void *',
    'void *',
    'int32_t',
    koffi.out('int32_t *'),
    'int32_t',
    'bool',
    'bool',
  ]);
  const pieceOf = library.func('llama_token_to_piece', 'int32_t', [
    'void *',
    'int32_t',
    koffi.out('uint8_t *'),
    'int32_t',
    'int32_t',
    'bool',
  ]);
  const buffer = new Uint8Array(1024);
  return {
    open(file) {
      const model = load(file, {...defaults(), vocab_only: true});
      if (!model) throw new Error(`llama.cpp cannot load ${file}`);
      const vocabulary = vocabularyOf(model);
      return {
        tokenize(text, parseSpecial) {
          const bytes = Buffer.from(text);
          const ids = new Int32Array(bytes.length + 8);
          const count = tokenize(vocabulary, bytes, bytes.length, ids, ids.length, false, parseSpecial);
          if (count < 0) throw new Error(`llama_tokenize: ${count}`);
          return [...ids.subarray(0, count)];
        },
        piece(id, special) {
          const length = pieceOf(vocabulary, id, buffer, buffer.length, 0, special);
          if (length < 0) throw new Error(`llama_token_to_piece: ${length}`);
          return Buffer.from(buffer.subarray(0, length));
        },
        close: () => free(model),
      };
    },
  };
}

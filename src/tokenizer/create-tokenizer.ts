// Makes a tokenizer of GGUF metadata: reads the keys, checks them against each other, chooses the algorithm, and finds
// the ids that mean something. The algorithms are bpe.ts and spm.ts.
import {GemmaError} from '../errors.ts';
import {type Metadata, PackedStrings} from '../gguf/metadata.ts';
import {BpeEncoder} from './bpe.ts';
import {GgufTokenizer} from './gguf-tokenizer.ts';
import type {MergeEncoder} from './merge-encoder.ts';
import {atOnce, inSlices, type Pieces} from './pieces.ts';
import {SpmEncoder} from './spm.ts';
import type {Tokenizer} from './tokenizer.ts';
import {NO_TOKEN, Vocabulary} from './vocabulary.ts';

const KEY = 'tokenizer.ggml.';

/**
 * Tokens that end a generation whatever the metadata say: files name one of them, rarely all. Gemma's own, FunctionGemma's,
 * and those of formats that Gemma is fine-tuned on (ChatML and others), as llama.cpp knows them by their texts.
 */
const STOP_TEXTS = [
  '<eos>',
  '<turn|>',
  '<|tool_response>',
  '<end_of_turn>',
  '<start_function_response>',
  '<|im_end|>',
  '<|eot_id|>',
  '<|end|>',
  '<|endoftext|>',
  '<|end_of_text|>',
];
/** Opens a turn. Some converters type these and `<end_of_turn>` as normal text. */
const TURN_TEXTS = ['<|turn>', '<start_of_turn>', '<|im_start|>'];
/** An HTML tag in Gemma's vocabulary, though other families stop at it. */
const NEVER_STOP = '</s>';

/** Lists of tokens may go on after the embedding's rows with placeholders of images and sounds, at most so many. */
const MAX_PLACEHOLDERS = 512;

/**
 * The tokenizer that a GGUF header describes: Gemma 4's BPE or Gemma 3's SentencePiece-style one.
 * @param rows of the model's embedding: some makers list more tokens (Ollama's gemma3 and gemma3n), which are left out
 * @throws GemmaError `tokenizer-invalid`
 */
export function createTokenizer(metadata: Metadata, rows = Number.POSITIVE_INFINITY): Tokenizer {
  return atOnce(checkedBuild(metadata, rows));
}

/**
 * The same in slices of some milliseconds, each a task of its own: a real vocabulary takes some tenths of a second, in
 * which a worker has others to answer.
 * @throws GemmaError `tokenizer-invalid`; AbortError when `signal` aborts
 */
export function createTokenizerInSlices(metadata: Metadata, rows?: number, signal?: AbortSignal): Promise<Tokenizer> {
  return inSlices(checkedBuild(metadata, rows ?? Number.POSITIVE_INFINITY), signal);
}

/**
 * What is seen without reading the vocabulary: whether there is one of a family that can be read.
 * @throws GemmaError `tokenizer-invalid`
 */
export function checkTokenizerFamily(metadata: Metadata): void {
  try {
    chooseAlgorithm(metadata);
  } catch (error) {
    throw asTokenizerError(error);
  }
}

function* checkedBuild(metadata: Metadata, rows: number): Pieces<Tokenizer> {
  try {
    return yield* build(metadata, rows);
  } catch (error) {
    throw asTokenizerError(error);
  }
}

/** The getters' word for a missing key or a wrong type is about any key; here it means a broken tokenizer. */
function asTokenizerError(error: unknown): unknown {
  if (!(error instanceof GemmaError) || error.code !== 'config-invalid') return error;
  return new GemmaError('tokenizer-invalid', error.message, {detail: error.detail, cause: error});
}

function* build(metadata: Metadata, rows: number): Pieces<Tokenizer> {
  const algorithm = chooseAlgorithm(metadata);
  const all = metadata.strings(`${KEY}tokens`);
  if (all.length === 0) throw invalid(`${KEY}tokens is empty; expected the vocabulary`, {});
  const tokens = cutTo(rows, all);
  const vocabulary = yield* Vocabulary.build(tokens, perToken(metadata, 'token_type', all));
  const stopIds = findStops(metadata, vocabulary);
  for (const text of TURN_TEXTS) {
    const id = vocabulary.idOfText(text);
    if (id !== NO_TOKEN) vocabulary.markControl(id);
  }
  const bosId = findId(metadata, vocabulary, 'bos_token_id', '<bos>');
  if (bosId === NO_TOKEN) {
    throw invalid(
      `no bos token: neither ${KEY}bos_token_id nor a token <bos>; Gemma needs one before every prompt`,
      {},
    );
  }
  // Typed as text it would be spelled in a prompt, typed as user-defined any message could write it.
  if (/^<.+>$/.test(vocabulary.text(bosId))) vocabulary.markControl(bosId);
  const unknownId = findId(metadata, vocabulary, 'unknown_token_id', '<unk>');
  const encoder = yield* createEncoder(algorithm, metadata, vocabulary, all, unknownId);
  return new GgufTokenizer({
    vocabulary,
    encoder,
    bosId,
    // Files by some makers say false because their template writes the token; a prompt without it is garbage.
    addBos: algorithm === 'bpe' || metadata.boolean(`${KEY}add_bos_token`, true),
    addSpacePrefix: algorithm === 'spm' && metadata.boolean(`${KEY}add_space_prefix`, false),
    marksAreSpaces: algorithm === 'spm',
    stopIds,
    suppressedIds: idList(metadata, vocabulary, 'suppress_tokens'),
    chatTemplate: metadata.has('tokenizer.chat_template') ? metadata.string('tokenizer.chat_template') : null,
  });
}

function cutTo(rows: number, tokens: PackedStrings): PackedStrings {
  if (tokens.length <= rows) return tokens;
  if (tokens.length - rows > MAX_PLACEHOLDERS) {
    throw invalid(
      `the tokenizer has ${tokens.length} tokens, the model's embedding ${rows} rows; expected one a token`,
      {
        tokens: tokens.length,
        rows,
      },
    );
  }
  return new PackedStrings(tokens.bytes, tokens.offsets.subarray(0, rows + 1));
}

/** Some files call Gemma 4's BPE `llama` with made-up scores; the pre-tokenizer's name or the merges tell. */
function chooseAlgorithm(metadata: Metadata): 'bpe' | 'spm' {
  const model = metadata.string(`${KEY}model`);
  const pre = metadata.string(`${KEY}pre`, 'default');
  if (pre === 'gemma4' || model === 'gemma4') return 'bpe';
  if (model !== 'llama' || pre !== 'default') {
    throw invalid(
      `${KEY}model is ${JSON.stringify(model)} with pre ${JSON.stringify(pre)}; supported: gemma4 (BPE), llama (SentencePiece)`,
      {model, pre},
    );
  }
  return metadata.has(`${KEY}merges`) ? 'bpe' : 'spm';
}

function* createEncoder(
  algorithm: 'bpe' | 'spm',
  metadata: Metadata,
  vocabulary: Vocabulary,
  tokens: PackedStrings,
  unknownId: number,
): Pieces<MergeEncoder> {
  const scores = perToken(metadata, 'scores', tokens);
  if (algorithm === 'bpe') return yield* BpeEncoder.build(vocabulary, metadata.strings(`${KEY}merges`), unknownId);
  if (!scores) throw invalid(`${KEY}scores is missing; a llama tokenizer needs one a token`, {});
  let wrong = 0;
  while (wrong < scores.length && Number.isFinite(scores[wrong])) wrong++;
  yield;
  if (wrong < scores.length)
    throw invalid(`score of token ${wrong} is ${scores[wrong]}; expected a finite number`, {id: wrong});
  return yield* SpmEncoder.build(vocabulary, scores, unknownId);
}

/** A numeric array with one value a token, or null where the file has none. */
function perToken(metadata: Metadata, name: string, tokens: PackedStrings): ArrayLike<number> | null {
  const key = KEY + name;
  if (!metadata.has(key)) return null;
  const values = metadata.numericArray(key);
  if (values.length !== tokens.length) {
    throw invalid(`${key} has ${values.length} values for ${tokens.length} tokens; expected one a token`, {
      key,
      values: values.length,
      tokens: tokens.length,
    });
  }
  return values;
}

function findStops(metadata: Metadata, vocabulary: Vocabulary): ReadonlySet<number> {
  const stops = new Set<number>();
  for (const name of ['eos_token_id', 'eot_token_id', 'eom_token_id']) {
    const id = findId(metadata, vocabulary, name);
    if (id !== NO_TOKEN) stops.add(id);
  }
  for (const id of idList(metadata, vocabulary, 'eos_token_ids')) stops.add(id);
  for (const text of STOP_TEXTS) {
    const id = vocabulary.idOfText(text);
    if (id === NO_TOKEN) continue;
    stops.add(id);
    // Some files type `<|tool_response>` as user-defined or `<eos>` as normal: text must not reach them.
    vocabulary.markControl(id);
  }
  stops.delete(vocabulary.idOfText(NEVER_STOP));
  if (stops.size === 0) {
    throw invalid(`no stop token: no eos id in the metadata and none of ${STOP_TEXTS.join(' ')} in the vocabulary`, {});
  }
  return stops;
}

function findId(metadata: Metadata, vocabulary: Vocabulary, name: string, text?: string): number {
  const key = KEY + name;
  if (!metadata.has(key)) return text === undefined ? NO_TOKEN : vocabulary.idOfText(text);
  return checkId(metadata.integer(key), key, vocabulary);
}

function idList(metadata: Metadata, vocabulary: Vocabulary, name: string): number[] {
  const key = KEY + name;
  if (!metadata.has(key)) return [];
  const ids = metadata.isArray(key) ? metadata.numericArray(key) : [metadata.integer(key)];
  return Array.from(ids, (id) => checkId(id, key, vocabulary));
}

function checkId(id: number, key: string, vocabulary: Vocabulary): number {
  if (Number.isInteger(id) && id >= 0 && id < vocabulary.size) return id;
  throw invalid(`${key} names token ${id}; the vocabulary has ids 0 to ${vocabulary.size - 1}`, {key, id});
}

function invalid(message: string, detail: Record<string, unknown>): GemmaError {
  return new GemmaError('tokenizer-invalid', `${message}. The file was not made for this model, or is damaged`, {
    detail,
  });
}

// The files of an encoder within an index, as the command writes them and the search reads them. Knows no network.
//
//   encoder      the shape and the names of the others, as JSON
//   vocabulary   word pieces, one a line
//   input        weight and bias of the first norm, then positions, all f32 in little-endian
//   layer        biases and norms in f32, then the six matrices, packed in 4 bits
//   words        rows of the word table, packed in 4 bits: in the first file those of common words, which come first in a
//                vocabulary, in each other file WORDS of the rest
import {invalidIndex} from '../bytes.ts';
import {isFile} from '../format.ts';
import type {BertLayer, BertShape, Norm} from './bert.ts';
import {Packed, PackedProduct, pack, packedBytes} from './packed.ts';
import {checkShape} from './shape.ts';

/** Rows of the word table in a file of words that are not common. */
export const WORDS = 32;
/** Tokens of a question that are read. */
export const QUESTION_TOKENS = 64;
const MAX_VOCABULARY = 200_000;

export interface EncoderInfo {
  shape: BertShape;
  /** Pieces of the vocabulary. */
  pieces: number;
  vocabulary: string;
  input: string;
  layers: string[];
  words: string[];
}

/** Weights of a layer, f32. */
export interface LayerWeights {
  matrices: Record<MatrixName, {weight: Float32Array; bias: Float32Array}>;
  outputNorm: Norm;
  downNorm: Norm;
}

const MATRICES = ['query', 'key', 'value', 'output', 'up', 'down'] as const;
type MatrixName = (typeof MATRICES)[number];

/** [nOut, nIn] */
function sizeOf(name: MatrixName, {nEmbd, nFf}: BertShape): [number, number] {
  return [name === 'up' ? nFf : nEmbd, name === 'down' ? nFf : nEmbd];
}

const json = new TextEncoder();

export function writeEncoderInfo(info: EncoderInfo): Uint8Array<ArrayBuffer> {
  return json.encode(JSON.stringify(info));
}

/** @throws KnowledgeFailure `knowledge-invalid` */
export function readEncoderInfo(bytes: Uint8Array): EncoderInfo {
  let info: EncoderInfo | null = null;
  try {
    info = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Said below.
  }
  const {shape, pieces, vocabulary, input, layers, words} = info ?? ({} as EncoderInfo);
  const valid =
    typeof shape === 'object' &&
    shape !== null &&
    checkShape(shape) === null &&
    Number.isSafeInteger(pieces) &&
    pieces >= 1 &&
    pieces <= MAX_VOCABULARY &&
    isFile(vocabulary) &&
    isFile(input) &&
    isFiles(layers, shape.nLayer) &&
    isFiles(words, wordFile(pieces - 1, pieces).file + 1);
  if (!info || !valid) throw invalidIndex('its encoder is damaged');
  return info;
}

/** How many are common. A later question then fetches a few kilobytes of rows and not a few dozen. */
const commonWords = (pieces: number): number => Math.ceil(pieces / 4);

/** In which file the row of a piece is, and where. */
export function wordFile(id: number, pieces: number): {file: number; row: number} {
  const rest = id - commonWords(pieces);
  return rest < 0 ? {file: 0, row: id} : {file: 1 + Math.floor(rest / WORDS), row: rest % WORDS};
}

/** The pieces from `first` to before `end` whose rows a file has. */
export function wordsOfFile(file: number, pieces: number): {first: number; end: number} {
  const common = commonWords(pieces);
  if (file === 0) return {first: 0, end: common};
  return {first: common + (file - 1) * WORDS, end: Math.min(pieces, common + file * WORDS)};
}

const isFiles = (value: unknown, count: number): boolean =>
  Array.isArray(value) && value.length === count && value.every(isFile);

export function readVocabulary(bytes: Uint8Array, pieces: number): string[] {
  const lines = new TextDecoder().decode(bytes).split('\n');
  if (lines.length !== pieces) throw invalidIndex('its vocabulary is damaged');
  return lines;
}

/** @param positions [QUESTION_TOKENS][nEmbd] or more */
export function writeInput(
  {nEmbd, maxTokens}: BertShape,
  norm: Norm,
  positions: Float32Array,
): Uint8Array<ArrayBuffer> {
  return floatBytes([norm.weight, norm.bias, positions.subarray(0, maxTokens * nEmbd)]);
}

export function readInput(bytes: Uint8Array, {nEmbd, maxTokens}: BertShape): {norm: Norm; positions: Float32Array} {
  const [weight, bias, positions] = floats(bytes, [nEmbd, nEmbd, maxTokens * nEmbd], 0);
  return {norm: {weight, bias}, positions};
}

export function writeLayer(shape: BertShape, {matrices, outputNorm, downNorm}: LayerWeights): Uint8Array<ArrayBuffer> {
  const small = floatBytes([
    ...MATRICES.map((name) => matrices[name].bias),
    ...[outputNorm, downNorm].flatMap(({weight, bias}) => [weight, bias]),
  ]);
  return joined([small, ...MATRICES.map((name) => pack(matrices[name].weight, ...sizeOf(name, shape)))]);
}

/** @throws KnowledgeFailure unless the file has exactly such a layer */
export function readLayer(bytes: Uint8Array, shape: BertShape): BertLayer {
  const {nEmbd} = shape;
  const biases = MATRICES.map((name) => sizeOf(name, shape)[0]);
  const packed = MATRICES.reduce((sum, name) => sum + packedBytes(...sizeOf(name, shape)), 0);
  const small = floats(bytes, [...biases, nEmbd, nEmbd, nEmbd, nEmbd], packed);
  let at = bytes.length - packed;
  const products = MATRICES.map((name, i) => {
    const size = sizeOf(name, shape);
    const matrix = new Packed(bytes.subarray(at, at + packedBytes(...size)), ...size);
    at += packedBytes(...size);
    return new PackedProduct(matrix, small[i]);
  });
  const [query, key, value, output, up, down] = products;
  const [outputWeight, outputBias, downWeight, downBias] = small.slice(MATRICES.length);
  return {
    query,
    key,
    value,
    output,
    outputNorm: {weight: outputWeight, bias: outputBias},
    up,
    down,
    downNorm: {weight: downWeight, bias: downBias},
  };
}

/** Rows of a word table, [rows][nEmbd]. */
export function writeWords(table: Float32Array, nEmbd: number): Uint8Array<ArrayBuffer> {
  return pack(table, table.length / nEmbd, nEmbd);
}

/** @param file which of the files @throws KnowledgeFailure */
export function readWords(bytes: Uint8Array, file: number, {pieces, shape}: EncoderInfo): Packed {
  const {first, end} = wordsOfFile(file, pieces);
  const rows = end - first;
  if (bytes.length !== packedBytes(rows, shape.nEmbd)) throw invalidIndex('its word table is damaged');
  return new Packed(bytes, rows, shape.nEmbd);
}

/** The arrays at the start of a file, after which `rest` bytes follow. */
function floats(bytes: Uint8Array, counts: readonly number[], rest: number): Float32Array[] {
  if (bytes.length !== 4 * counts.reduce((sum, count) => sum + count, 0) + rest) {
    throw invalidIndex('its encoder has a file of another size than its shape');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = 0;
  return counts.map((count) => {
    const from = at;
    at += 4 * count;
    return Float32Array.from({length: count}, (_, i) => view.getFloat32(from + 4 * i, true));
  });
}

function floatBytes(arrays: readonly Float32Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 * arrays.reduce((sum, {length}) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const array of arrays) {
    for (const value of array) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, {length}) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

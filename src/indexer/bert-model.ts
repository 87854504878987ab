// A BERT as Hugging Face stores sentence-transformers: config.json, vocab.txt and model.safetensors in a folder. Checked,
// read into memory, run with SIMD. Knows no index.
import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {GemmaError} from '../errors.ts';
import {type BertLayer, type BertShape, bertVector, type Norm} from '../knowledge/encoder/bert.ts';
import type {LayerWeights} from '../knowledge/encoder/files.ts';
import {checkShape} from '../knowledge/encoder/shape.ts';
import {WordPiece} from '../knowledge/encoder/wordpiece.ts';
import {SimdProducts} from './simd.ts';

/** Tokens of a text that are read: what sentence-transformers' MiniLM was trained on. */
const MOST_TOKENS = 256;

export interface BertModel {
  /** Of its weights, in hex. */
  sha256: string;
  name: string;
  /** As its README says, or ''. */
  license: string;
  shape: BertShape;
  vocabulary: string[];
  /** [vocabulary][nEmbd] */
  words: Float32Array;
  /** [maxTokens][nEmbd], the row of the first token type added. */
  positions: Float32Array;
  norm: Norm;
  layers: LayerWeights[];
}

const invalid = (folder: string, what: string, cause?: unknown): GemmaError =>
  new GemmaError(
    'option-invalid',
    `${folder} is no model that questions can be embedded with: ${what}. Expected config.json, vocab.txt and model.safetensors of a BERT in small letters, such as sentence-transformers/all-MiniLM-L6-v2`,
    {detail: {option: 'vectors'}, cause},
  );

/** @throws GemmaError `option-invalid` */
export async function readBertModel(folder: string): Promise<BertModel> {
  const read = async (name: string): Promise<Buffer<ArrayBuffer>> => {
    try {
      return (await readFile(path.join(folder, name))) as Buffer<ArrayBuffer>;
    } catch (cause) {
      throw invalid(folder, `${name} cannot be read`, cause);
    }
  };
  const config = parseObject(await read('config.json'));
  const number = (key: string): number => (typeof config[key] === 'number' ? config[key] : Number.NaN);
  if (config.model_type !== 'bert' || config.hidden_act !== 'gelu') {
    throw invalid(folder, `config.json says ${String(config.model_type)} with ${String(config.hidden_act)}`);
  }
  const shape: BertShape = {
    nLayer: number('num_hidden_layers'),
    nEmbd: number('hidden_size'),
    nHead: number('num_attention_heads'),
    nFf: number('intermediate_size'),
    maxTokens: Math.min(MOST_TOKENS, number('max_position_embeddings')),
    normEps: number('layer_norm_eps'),
  };
  const wrong = checkShape(shape);
  if (wrong) throw invalid(folder, `config.json has no valid ${wrong}`);
  const vocabulary = (await read('vocab.txt'))
    .toString('utf8')
    .replace(/\r?\n$/, '')
    .split(/\r?\n/);
  if (vocabulary.length !== number('vocab_size')) {
    throw invalid(folder, `vocab.txt has ${vocabulary.length} lines and config.json says ${number('vocab_size')}`);
  }
  const bytes = await read('model.safetensors');
  const tensor = safetensors(bytes, (what) => invalid(folder, what));
  const {nEmbd, nFf} = shape;
  const norm = (name: string): Norm => ({weight: tensor(`${name}.weight`, nEmbd), bias: tensor(`${name}.bias`, nEmbd)});
  const matrix = (name: string, nOut: number, nIn: number) => ({
    weight: tensor(`${name}.weight`, nOut * nIn),
    bias: tensor(`${name}.bias`, nOut),
  });
  const positions = tensor('embeddings.position_embeddings.weight', number('max_position_embeddings') * nEmbd).slice(
    0,
    shape.maxTokens * nEmbd,
  );
  const type = tensor('embeddings.token_type_embeddings.weight', number('type_vocab_size') * nEmbd);
  for (let i = 0; i < positions.length; i++) positions[i] += type[i % nEmbd];
  const readme = await readFile(path.join(folder, 'README.md'), 'utf8').catch(() => '');
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    name: (/^#\s+(.{1,200})$/m.exec(readme)?.[1] ?? path.basename(path.resolve(folder))).trim(),
    license: /^license:\s*["']?([\w.+-]{1,60})/m.exec(readme)?.[1] ?? '',
    shape,
    vocabulary,
    words: tensor('embeddings.word_embeddings.weight', vocabulary.length * nEmbd),
    positions,
    norm: norm('embeddings.LayerNorm'),
    layers: Array.from({length: shape.nLayer}, (_, i) => {
      const at = `encoder.layer.${i}`;
      return {
        matrices: {
          query: matrix(`${at}.attention.self.query`, nEmbd, nEmbd),
          key: matrix(`${at}.attention.self.key`, nEmbd, nEmbd),
          value: matrix(`${at}.attention.self.value`, nEmbd, nEmbd),
          output: matrix(`${at}.attention.output.dense`, nEmbd, nEmbd),
          up: matrix(`${at}.intermediate.dense`, nFf, nEmbd),
          down: matrix(`${at}.output.dense`, nEmbd, nFf),
        },
        outputNorm: norm(`${at}.attention.output.LayerNorm`),
        downNorm: norm(`${at}.output.LayerNorm`),
      };
    }),
  };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Reads tensors of F32 by name. @throws what `fail` makes, for one that is missing, of another type or size, or not in the file */
function safetensors(bytes: Buffer<ArrayBuffer>, fail: (what: string) => Error) {
  const headerLength = bytes.length >= 8 ? Number(bytes.readBigUInt64LE(0)) : 0;
  if (headerLength < 2 || headerLength > Math.min(bytes.length - 8, 16 * 2 ** 20))
    throw fail('model.safetensors is damaged');
  const header = parseObject(bytes.subarray(8, 8 + headerLength));
  const data = bytes.subarray(8 + headerLength);
  return (name: string, length: number): Float32Array => {
    const entry = (
      Object.hasOwn(header, name) ? header[name] : Object.hasOwn(header, `bert.${name}`) ? header[`bert.${name}`] : null
    ) as {dtype?: unknown; data_offsets?: unknown} | null;
    if (!entry) throw fail(`model.safetensors has no ${name}`);
    const [from, to] = Array.isArray(entry.data_offsets) ? (entry.data_offsets as number[]) : [0, 0];
    if (entry.dtype !== 'F32') throw fail(`${name} is ${String(entry.dtype)} and not F32`);
    if (!Number.isSafeInteger(from) || from < 0 || to - from !== 4 * length || to > data.length) {
      throw fail(`${name} has not the size that config.json says`);
    }
    // A copy: a tensor may begin at any byte.
    return new Float32Array(data.buffer.slice(data.byteOffset + from, data.byteOffset + to));
  };
}

/** From texts to vectors, with the weights as they are in the file. */
export class BertVectors {
  readonly #model: BertModel;
  readonly #tokens: WordPiece;
  readonly #simd = new SimdProducts();
  readonly #layers: BertLayer[];

  constructor(model: BertModel) {
    this.#model = model;
    this.#tokens = new WordPiece(model.vocabulary);
    this.#layers = model.layers.map(({matrices, outputNorm, downNorm}) => {
      const product = ({weight, bias}: {weight: Float32Array; bias: Float32Array}) =>
        this.#simd.product(weight, bias, weight.length / bias.length);
      return {
        query: product(matrices.query),
        key: product(matrices.key),
        value: product(matrices.value),
        output: product(matrices.output),
        outputNorm,
        up: product(matrices.up),
        down: product(matrices.down),
        downNorm,
      };
    });
  }

  /** Of length one; of a long text, that of its beginning. */
  vector(text: string): Float32Array {
    const {shape, words, positions, norm} = this.#model;
    const rows = this.#tokens
      .encode(text, shape.maxTokens)
      .map((id) => words.subarray(id * shape.nEmbd, (id + 1) * shape.nEmbd));
    return bertVector(shape, this.#layers, {words: rows, positions, norm}, this.#simd.once);
  }
}

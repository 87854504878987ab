// The encoder of an index, open: from a question to its vector. Its layers are fetched at once, rows of its word table with the
// questions that need them.
import {invalidIndex} from '../bytes.ts';
import {type BertLayer, bertVector, type Norm} from './bert.ts';
import {
  type EncoderInfo,
  QUESTION_TOKENS,
  readEncoderInfo,
  readInput,
  readLayer,
  readVocabulary,
  readWords,
  wordFile,
} from './files.ts';
import type {Packed} from './packed.ts';
import {WordPiece} from './wordpiece.ts';

type ReadFile = (name: string) => Promise<Uint8Array>;

/** Made by `QuestionEncoder.open`. */
export class QuestionEncoder {
  readonly #info: EncoderInfo;
  readonly #read: ReadFile;
  readonly #tokens: WordPiece;
  readonly #input: {norm: Norm; positions: Float32Array};
  readonly #layers: readonly BertLayer[];
  readonly #words = new Map<number, Promise<Packed>>();

  private constructor(
    info: EncoderInfo,
    read: ReadFile,
    tokens: WordPiece,
    input: {norm: Norm; positions: Float32Array},
    layers: readonly BertLayer[],
  ) {
    this.#info = info;
    this.#read = read;
    this.#tokens = tokens;
    this.#input = input;
    this.#layers = layers;
  }

  /** @throws KnowledgeFailure, for a file that is not there or damaged */
  static async open(name: string, read: ReadFile): Promise<QuestionEncoder> {
    const info = readEncoderInfo(await read(name));
    const {shape, pieces} = info;
    const tokens = openVocabulary(readVocabulary(await read(info.vocabulary), pieces));
    const input = readInput(await read(info.input), shape);
    const layers: BertLayer[] = [];
    // One after the other: the passages that are shown first come over the same network.
    for (const file of info.layers) layers.push(readLayer(await read(file), shape));
    const encoder = new QuestionEncoder(info, read, tokens, input, layers);
    await encoder.#file(0);
    return encoder;
  }

  get dimensions(): number {
    return this.#info.shape.nEmbd;
  }

  /** Of length one. */
  async vector(question: string): Promise<Float32Array> {
    const {shape} = this.#info;
    const ids = this.#tokens.encode(question, Math.min(QUESTION_TOKENS, shape.maxTokens));
    const words = await Promise.all(ids.map((id) => this.#row(id)));
    return bertVector(shape, this.#layers, {words, ...this.#input});
  }

  async #row(id: number): Promise<Float32Array> {
    const {file, row} = wordFile(id, this.#info.pieces);
    const weights = new Float32Array(this.#info.shape.nEmbd);
    (await this.#file(file)).row(row, weights);
    return weights;
  }

  #file(file: number): Promise<Packed> {
    let words = this.#words.get(file);
    if (!words) {
      words = this.#read(this.#info.words[file]).then((bytes) => readWords(bytes, file, this.#info));
      this.#words.set(file, words);
      words.catch(() => this.#words.delete(file));
    }
    return words;
  }
}

function openVocabulary(pieces: readonly string[]): WordPiece {
  try {
    return new WordPiece(pieces);
  } catch (cause) {
    throw invalidIndex(`its vocabulary is damaged: ${(cause as Error).message}`);
  }
}

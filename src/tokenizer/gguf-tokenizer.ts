// The Tokenizer interface over its parts: special tokens first, then the encoder for what is between them.
import {GemmaError} from '../errors.ts';
import {bytesOfToken, StreamingDetokenizer} from './detokenizer.ts';
import type {MergeEncoder} from './merge-encoder.ts';
import {atOnce, PIECE, type Pieces} from './pieces.ts';
import {SpecialTokens} from './special-tokens.ts';
import type {DecodeOptions, Detokenizer, EncodeOptions, Tokenizer, TokenType} from './tokenizer.ts';
import {NO_TOKEN, type Vocabulary} from './vocabulary.ts';

/** The memory of decoded tokens is emptied when it holds so many. */
const REMEMBERED_PIECES = 30_000;

/** Characters that are worked out in one piece, at most in 100 ms. */
const LONGEST_RUN = 2 ** 17;

export interface TokenizerParts {
  vocabulary: Vocabulary;
  encoder: MergeEncoder;
  bosId: number;
  addBos: boolean;
  /** Text at the start and after a special token gets a space before it (SentencePiece's dummy prefix). */
  addSpacePrefix: boolean;
  /** A ▁ in text counts as a space where text is cut at user-defined tokens (SentencePiece). */
  marksAreSpaces: boolean;
  stopIds: ReadonlySet<number>;
  suppressedIds: readonly number[];
  chatTemplate: string | null;
}

/** The tokenizer of a GGUF file's vocabulary. */
export class GgufTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly bosId: number;
  readonly addBos: boolean;
  readonly stopIds: ReadonlySet<number>;
  readonly suppressedIds: readonly number[];
  readonly chatTemplate: string | null;
  readonly #vocabulary: Vocabulary;
  readonly #encoder: MergeEncoder;
  readonly #addSpacePrefix: boolean;
  /** User-defined tokens, which any text is cut at; and those with control and unknown ones. */
  readonly #userTokens: SpecialTokens;
  readonly #allTokens: SpecialTokens;
  /** Bytes of tokens that were decoded before, by 2 · id + special. Never handed out. */
  readonly #pieces = new Map<number, Uint8Array>();

  constructor(parts: TokenizerParts) {
    this.#vocabulary = parts.vocabulary;
    this.#encoder = parts.encoder;
    this.#addSpacePrefix = parts.addSpacePrefix;
    this.vocabSize = parts.vocabulary.size;
    this.bosId = parts.bosId;
    this.addBos = parts.addBos;
    this.stopIds = parts.stopIds;
    this.suppressedIds = parts.suppressedIds;
    this.chatTemplate = parts.chatTemplate;
    const user = [];
    const markup = [];
    for (let id = 0; id < this.vocabSize; id++) {
      if (this.#vocabulary.isMarkup(id)) markup.push({id, text: this.#vocabulary.text(id)});
      else if (this.#vocabulary.type(id) === 'user') user.push({id, text: this.#vocabulary.text(id)});
    }
    const {marksAreSpaces} = parts;
    this.#userTokens = new SpecialTokens(user, {marksAreSpaces});
    this.#allTokens = new SpecialTokens([...user, ...markup], {marksAreSpaces});
  }

  encode(text: string, options?: EncodeOptions): number[] {
    return atOnce(this.#encode(text, options, Number.POSITIVE_INFINITY));
  }

  encodeInPieces(text: string, options?: EncodeOptions): Pieces<number[]> {
    return this.#encode(text, options, LONGEST_RUN);
  }

  *#encode(text: string, options: EncodeOptions = {}, longest: number): Pieces<number[]> {
    const ids: number[] = [];
    let rested = 0;
    let afterSpecial = true;
    const tokens = options.parseSpecial ? this.#allTokens : this.#userTokens;
    for (const fragment of tokens.fragments(text, longest)) {
      if (ids.length - rested > PIECE) {
        yield;
        rested = ids.length;
      }
      if (typeof fragment === 'number') {
        ids.push(fragment);
        afterSpecial = true;
        continue;
      }
      yield* this.#encoder.encode(this.#addSpacePrefix && afterSpecial ? ` ${fragment}` : fragment, ids, longest);
      afterSpecial = false;
    }
    if ((options.addBos ?? this.addBos) && ids[0] !== this.bosId) ids.unshift(this.bosId);
    return ids;
  }

  decode(ids: Iterable<number>, options?: DecodeOptions): string {
    return atOnce(this.decodeInPieces(ids, options));
  }

  *decodeInPieces(ids: Iterable<number>, options?: DecodeOptions): Pieces<string> {
    let bytes = new Uint8Array(256);
    let length = 0;
    let count = 0;
    for (const id of ids) {
      if (++count % PIECE === 0) yield;
      const token = this.#piece(id, options);
      if (length + token.length > bytes.length) {
        const grown = new Uint8Array(2 * (length + token.length));
        grown.set(bytes);
        bytes = grown;
      }
      bytes.set(token, length);
      length += token.length;
    }
    return new TextDecoder('utf-8', {ignoreBOM: true}).decode(bytes.subarray(0, length));
  }

  detokenizer(options?: DecodeOptions): Detokenizer {
    return new StreamingDetokenizer((id) => this.#piece(id, options));
  }

  tokenText(id: number): string {
    return this.#vocabulary.text(this.#check(id));
  }

  tokenBytes(id: number, options?: DecodeOptions): Uint8Array {
    return this.#piece(id, options).slice();
  }

  tokenType(id: number): TokenType {
    return this.#vocabulary.type(this.#check(id));
  }

  idOf(text: string): number | undefined {
    const id = this.#vocabulary.idOfText(text);
    return id === NO_TOKEN ? undefined : id;
  }

  #piece(id: number, options?: DecodeOptions): Uint8Array {
    const key = 2 * id + (options?.special ? 1 : 0);
    let piece = this.#pieces.get(key);
    if (!piece) {
      piece = bytesOfToken(this.#vocabulary, this.#check(id), options);
      if (this.#pieces.size >= REMEMBERED_PIECES) this.#pieces.clear();
      this.#pieces.set(key, piece);
    }
    return piece;
  }

  #check(id: number): number {
    if (Number.isInteger(id) && id >= 0 && id < this.vocabSize) return id;
    throw new GemmaError('option-invalid', `token id ${id}; this model has ids 0 to ${this.vocabSize - 1}`, {
      detail: {id, vocabSize: this.vocabSize},
    });
  }
}

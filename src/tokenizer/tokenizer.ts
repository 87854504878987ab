// What a tokenizer is to the rest of the engine. The algorithms are bpe.ts and spm.ts; create-tokenizer.ts chooses.

import type {Pieces} from './pieces.ts';

export interface EncodeOptions {
  /** Prepend the bos token unless the text already begins with it. Default: the file's `add_bos_token`; true for gemma4. */
  addBos?: boolean;
  /** Recognise control tokens in the text. False for what a user typed. Default false. */
  parseSpecial?: boolean;
}

export interface DecodeOptions {
  /** Also write control tokens (`<bos>`, `<|turn>` …). Default false. */
  special?: boolean;
}

/** Turns ids into text as they come; holds back incomplete UTF-8. */
export interface Detokenizer {
  /** The text that became complete with this token; may be empty. */
  push(id: number): string;
  /** What is left at the end; an incomplete sequence becomes U+FFFD. */
  flush(): string;
}

export type TokenType = 'normal' | 'unknown' | 'control' | 'user' | 'unused' | 'byte';

export interface Tokenizer {
  /** Number of tokens in the file's list. */
  readonly vocabSize: number;
  readonly bosId: number;
  readonly addBos: boolean;
  /** End-of-generation ids: metadata's, and those known by their text. Never empty. */
  readonly stopIds: ReadonlySet<number>;
  /** `tokenizer.ggml.suppress_tokens`: never to be sampled. */
  readonly suppressedIds: readonly number[];
  /** `tokenizer.chat_template`, if the file has one. */
  readonly chatTemplate: string | null;
  encode(text: string, options?: EncodeOptions): number[];
  /**
   * The same in pieces of some milliseconds, for long texts.
   * @throws GemmaError `option-invalid` for a run of more than 131,072 characters that are one word, or special tokens that overlap
   */
  encodeInPieces(text: string, options?: EncodeOptions): Pieces<number[]>;
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /** The same in pieces of some milliseconds, for long lists. */
  decodeInPieces(ids: Iterable<number>, options?: DecodeOptions): Pieces<string>;
  detokenizer(options?: DecodeOptions): Detokenizer;
  /** The token's text as stored (`▁` for a space). */
  tokenText(id: number): string;
  /** The bytes the token stands for in decoded text; empty for control tokens unless `special`. */
  tokenBytes(id: number, options?: DecodeOptions): Uint8Array;
  tokenType(id: number): TokenType;
  /** The id of a token by its exact stored text, or undefined. */
  idOf(text: string): number | undefined;
}

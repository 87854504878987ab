// What an answer's tokens have to obey, as a generation sees it. What makes one (a grammar, a schema) is not known here.

/** Follows one answer, token by token. */
export interface TokenConstraint {
  /**
   * The tokens that may come next, a bit a token: u32[vocabSize / 32, rounded up], valid until the next `accept` and not to
   * be written to. Null: any token may.
   */
  allowed(): Uint32Array | null;
  /**
   * Takes the next token of the answer. Not one that ends it.
   * @throws GemmaError `grammar-invalid` for one that may not come
   */
  accept(id: number): void;
  /** Tokens that have to come next, one after the other: they need no sampling and are computed together. */
  forced(): readonly number[];
  /** Nothing can follow: the answer is at its end. */
  readonly complete: boolean;
}

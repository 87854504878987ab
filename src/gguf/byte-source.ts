// What the GGUF reader and the weight loader need of a file: ranged reads. Where the bytes come from is src/store/.

/** A file of known size whose bytes can be read by range. */
export interface ByteSource {
  /** For messages: a URL without its query, or a file name. */
  readonly name: string;
  /** Total size in bytes. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`.
   * @throws GemmaError `gguf-truncated` past the end, or the store's own codes; AbortError when `signal` aborts.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * The same bytes in order, in pieces of the source's choosing, never buffered whole. A piece is valid until the next is
   * asked for: copy what is to stay.
   */
  stream(offset: number, length: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Lets go of connections and handles; resolves when nothing goes on any more. */
  close?(): void | Promise<void>;
}

// How large a GGUF header may be. A header beyond these is refused before anything is allocated for it.

export interface GgufLimits {
  /** Everything before the tensor data. Gemma 4's is 10–20 MB. */
  readonly headerBytes: number;
  /** One string value: a chat template, a token. */
  readonly stringBytes: number;
  /** A metadata key or a tensor name. */
  readonly keyBytes: number;
  /** Elements of one array value. */
  readonly arrayLength: number;
  readonly metadataCount: number;
  readonly tensorCount: number;
}

export const DEFAULT_LIMITS: GgufLimits = {
  headerBytes: 256 * 2 ** 20,
  stringBytes: 16 * 2 ** 20,
  keyBytes: 65535,
  arrayLength: 2 ** 26,
  metadataCount: 2 ** 16,
  tensorCount: 2 ** 16,
};

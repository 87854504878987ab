// What is written of an adapter. The file formats are beside it.

/** One matrix's factors. */
export interface WritableFactors {
  /** The base's tensor: `blk.0.attn_q.weight`. */
  readonly tensor: string;
  readonly rank: number;
  /** f32[rank][nIn]; of `token_embd.weight` f32[nVocab][rank]. */
  readonly a: Float32Array<ArrayBuffer>;
  /** f32[nOut][rank] */
  readonly b: Float32Array<ArrayBuffer>;
}

export interface WritableAdapter {
  /** For people: what it was trained for. */
  readonly name: string;
  /** `general.architecture` of the base. */
  readonly architecture: string;
  /** The base's own name. */
  readonly base: string;
  readonly alpha: number;
  readonly factors: readonly WritableFactors[];
}

/** Values of a file, which is little-endian, as this machine's memory: every one that has WebGPU is. */
export const bytesOf = (values: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

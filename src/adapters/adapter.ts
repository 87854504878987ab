// A LoRA adapter as values: which tensors of a base model get a low-rank term, and what does not fit is an error by
// name. Knows no layout of a file and no GPU.
import {GemmaError} from '../errors.ts';
import type {ByteSource} from '../gguf/byte-source.ts';
import {dequantize} from '../gguf/dequantize.ts';
import type {GgmlTypeName} from '../gguf/ggml-types.ts';

/** What has to be known of a base model's tensor: GGUF's `ne`, fastest dimension first. */
export interface BaseTensor {
  readonly shape: readonly number[];
}

/** What has to be known of the model that an adapter is for. */
export interface BaseModel {
  /** `general.architecture` */
  readonly architecture: string;
  readonly tensors: ReadonlyMap<string, BaseTensor>;
}

/**
 * The term that one matrix gets: y += s · scale · B(Ax), s being what a request asks for. Of the embedding table the row of token t
 * gets s · scale · B · a[t], before it is scaled by √nEmbd.
 */
export interface LowRankTerm {
  /** The base's tensor: `blk.0.attn_q.weight`. */
  readonly tensor: string;
  readonly rank: number;
  /** f32[rank][nIn]; of `token_embd.weight` f32[nVocab][rank]. */
  readonly a: Float32Array<ArrayBuffer>;
  /** f32[nOut][rank]; of `token_embd.weight` f32[nEmbd][rank]. */
  readonly b: Float32Array<ArrayBuffer>;
  /** alpha / rank, alpha / √rank, or 1. */
  readonly scale: number;
}

export interface Adapter {
  /** For messages and lists: the file's name. */
  readonly name: string;
  /** By base tensor. */
  readonly terms: ReadonlyMap<string, LowRankTerm>;
  /** An activated adapter has no effect before these tokens; empty: it always has. */
  readonly invocationTokens: readonly number[];
  /** Tensors of the file that llama.cpp ignores too: norms. */
  readonly ignored: readonly string[];
}

/** The embedding table's term is stored row by token. */
export const EMBEDDING = 'token_embd.weight';
/** Above it nothing is low-rank any more; bounds what a file can make us allocate. */
export const MAX_RANK = 1024;
/** Values of both factors of all terms: 1 GiB in f32. */
const MAX_VALUES = 2 ** 28;

/** One factor as a file has it: rows of `columns` values, the outer dimension `rows`. */
export interface Factor {
  readonly rows: number;
  readonly columns: number;
}

/** @throws GemmaError `adapter-invalid` */
export function invalid(name: string, message: string, detail: Record<string, unknown> = {}): GemmaError {
  return new GemmaError('adapter-invalid', `${name}: ${message}`, {detail});
}

/**
 * Checks that two factors fit each other and the matrix they are for, before anything is allocated for them.
 * @param a [rank][nIn], of the embedding table [nVocab][rank]
 * @param b [nOut][rank]
 * @returns the rank
 * @throws GemmaError `adapter-invalid`
 */
export function checkFactors(name: string, base: BaseModel, tensor: string, a: Factor, b: Factor): number {
  const target = base.tensors.get(tensor);
  if (!target) throw invalid(name, `changes ${tensor}, which the model does not have`, {tensor});
  if (target.shape.length !== 2) {
    throw invalid(
      name,
      `changes ${tensor}, which has ${target.shape.length} dimensions; only matrices can be changed`,
      {
        tensor,
      },
    );
  }
  const [nIn, nOut] = target.shape;
  const embedding = tensor === EMBEDDING;
  const rank = embedding ? a.columns : a.rows;
  const expected = embedding
    ? {a: {rows: nOut, columns: rank}, b: {rows: nIn, columns: rank}}
    : {a: {rows: rank, columns: nIn}, b: {rows: nOut, columns: rank}};
  if (rank < 1 || rank > MAX_RANK) {
    throw invalid(name, `has rank ${rank} for ${tensor}; expected 1 to ${MAX_RANK}`, {tensor, rank});
  }
  for (const [which, found] of Object.entries({a, b}) as ['a' | 'b', Factor][]) {
    const {rows, columns} = expected[which];
    if (found.rows === rows && found.columns === columns) continue;
    throw invalid(
      name,
      `its factor ${which} for ${tensor} is ${found.rows} × ${found.columns}; expected ${rows} × ${columns}. It was made for another model`,
      {tensor, factor: which},
    );
  }
  return rank;
}

/** @throws GemmaError `adapter-invalid` when the terms together are larger than any adapter is */
export function checkTotal(name: string, factors: readonly Factor[]): void {
  const values = factors.reduce((sum, {rows, columns}) => sum + rows * columns, 0);
  if (values > MAX_VALUES) throw invalid(name, `holds ${values} values; at most ${MAX_VALUES} are accepted`);
}

/** Where a file has a factor, and in which type. */
export interface StoredFactor {
  readonly name: string;
  readonly type: GgmlTypeName;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/**
 * The values of a factor as the file has them.
 * @throws GemmaError `adapter-invalid` for values that would spoil every sum, or the source's own; AbortError
 */
export async function readFactor(
  source: ByteSource,
  {name, type, offset, byteLength}: StoredFactor,
  signal: AbortSignal | undefined,
): Promise<Float32Array<ArrayBuffer>> {
  const values = dequantize(type, await source.read(offset, byteLength, signal));
  if (values.some((value) => !Number.isFinite(value))) {
    throw invalid(source.name, `${name} holds a value that is not finite`, {tensor: name});
  }
  return values;
}

// The ggml tensor types: names, ids, block layouts, and the sizes that follow. Knows no file and no values.
import {GemmaError} from '../errors.ts';

/** A tensor type. `blockSize` values take `blockBytes` bytes; both are 0 where the layout is not known here. */
export interface GgmlType {
  readonly name: string;
  readonly id: number;
  readonly blockSize: number;
  readonly blockBytes: number;
  /** What a block consists of, in order: an f16, or that many bytes. Only types of more than one value a block. */
  readonly fields?: BlockFields;
}

/**
 * d, m and dmin scale and shift the whole block, `scales` parts of it; qs, ql, qh, hmask hold the quants, or some bits of
 * them; e is an exponent. What they mean: dequantize-*.ts.
 */
export type BlockFields = Readonly<Record<string, 'f16' | number>>;

// Ids that have been in use at any time keep their number, so the gaps (4, 5, 31–33, 36–38) are retired types.
const TYPES = [
  {name: 'F32', id: 0, blockSize: 1, blockBytes: 4},
  {name: 'F16', id: 1, blockSize: 1, blockBytes: 2},
  {name: 'Q4_0', id: 2, blockSize: 32, blockBytes: 18, fields: {d: 'f16', qs: 16}},
  {name: 'Q4_1', id: 3, blockSize: 32, blockBytes: 20, fields: {d: 'f16', m: 'f16', qs: 16}},
  {name: 'Q5_0', id: 6, blockSize: 32, blockBytes: 22, fields: {d: 'f16', qh: 4, qs: 16}},
  {name: 'Q5_1', id: 7, blockSize: 32, blockBytes: 24, fields: {d: 'f16', m: 'f16', qh: 4, qs: 16}},
  {name: 'Q8_0', id: 8, blockSize: 32, blockBytes: 34, fields: {d: 'f16', qs: 32}},
  {name: 'Q8_1', id: 9, blockSize: 0, blockBytes: 0},
  {name: 'Q2_K', id: 10, blockSize: 256, blockBytes: 84, fields: {scales: 16, qs: 64, d: 'f16', dmin: 'f16'}},
  {name: 'Q3_K', id: 11, blockSize: 256, blockBytes: 110, fields: {hmask: 32, qs: 64, scales: 12, d: 'f16'}},
  {name: 'Q4_K', id: 12, blockSize: 256, blockBytes: 144, fields: {d: 'f16', dmin: 'f16', scales: 12, qs: 128}},
  {name: 'Q5_K', id: 13, blockSize: 256, blockBytes: 176, fields: {d: 'f16', dmin: 'f16', scales: 12, qh: 32, qs: 128}},
  {name: 'Q6_K', id: 14, blockSize: 256, blockBytes: 210, fields: {ql: 128, qh: 64, scales: 16, d: 'f16'}},
  {name: 'Q8_K', id: 15, blockSize: 0, blockBytes: 0},
  {name: 'IQ2_XXS', id: 16, blockSize: 0, blockBytes: 0},
  {name: 'IQ2_XS', id: 17, blockSize: 0, blockBytes: 0},
  {name: 'IQ3_XXS', id: 18, blockSize: 0, blockBytes: 0},
  {name: 'IQ1_S', id: 19, blockSize: 0, blockBytes: 0},
  {name: 'IQ4_NL', id: 20, blockSize: 32, blockBytes: 18, fields: {d: 'f16', qs: 16}},
  {name: 'IQ3_S', id: 21, blockSize: 0, blockBytes: 0},
  {name: 'IQ2_S', id: 22, blockSize: 0, blockBytes: 0},
  {name: 'IQ4_XS', id: 23, blockSize: 256, blockBytes: 136, fields: {d: 'f16', scales_h: 2, scales_l: 4, qs: 128}},
  {name: 'I8', id: 24, blockSize: 1, blockBytes: 1},
  {name: 'I16', id: 25, blockSize: 1, blockBytes: 2},
  {name: 'I32', id: 26, blockSize: 1, blockBytes: 4},
  {name: 'I64', id: 27, blockSize: 1, blockBytes: 8},
  {name: 'F64', id: 28, blockSize: 1, blockBytes: 8},
  {name: 'IQ1_M', id: 29, blockSize: 0, blockBytes: 0},
  {name: 'BF16', id: 30, blockSize: 1, blockBytes: 2},
  {name: 'TQ1_0', id: 34, blockSize: 0, blockBytes: 0},
  {name: 'TQ2_0', id: 35, blockSize: 0, blockBytes: 0},
  {name: 'MXFP4', id: 39, blockSize: 32, blockBytes: 17, fields: {e: 1, qs: 16}},
  {name: 'NVFP4', id: 40, blockSize: 0, blockBytes: 0},
  {name: 'Q1_0', id: 41, blockSize: 0, blockBytes: 0},
] as const satisfies readonly GgmlType[];

export type GgmlTypeName = (typeof TYPES)[number]['name'];

/** Every known type, by ascending id. */
export const GGML_TYPES: readonly (GgmlType & {readonly name: GgmlTypeName})[] = TYPES;

const byId = new Map(GGML_TYPES.map((type) => [type.id, type]));
const byName = new Map(GGML_TYPES.map((type) => [type.name, type]));

/** The type with this id in a GGUF tensor directory, or undefined. */
export function ggmlTypeById(id: number): (GgmlType & {readonly name: GgmlTypeName}) | undefined {
  return byId.get(id);
}

/** @throws GemmaError `quant-unsupported` where the block layout is not known here. */
export function ggmlType(name: GgmlTypeName): GgmlType {
  const type = byName.get(name);
  if (!type || type.blockSize === 0) {
    const known = GGML_TYPES.filter((entry) => entry.blockSize > 0).map((entry) => entry.name);
    throw new GemmaError('quant-unsupported', `tensor type ${name} has no known layout; known: ${known.join(', ')}`, {
      detail: {type: name},
    });
  }
  return type;
}

/** Where a block keeps its f16 fields (d, then m or dmin), in bytes from its start. */
export function halfOffsets(name: GgmlTypeName): number[] {
  const offsets: number[] = [];
  let at = 0;
  for (const size of Object.values(ggmlType(name).fields ?? {})) {
    if (size === 'f16') offsets.push(at);
    at += size === 'f16' ? 2 : size;
  }
  return offsets;
}

/**
 * Bytes of a row of `n` values, as stored in the file.
 * @throws GemmaError `tensor-shape` if `n` is no multiple of the block, `quant-unsupported` if the layout is unknown.
 */
export function rowBytes(name: GgmlTypeName, n: number): number {
  const type = ggmlType(name);
  if (!Number.isSafeInteger(n) || n < 1 || n % type.blockSize !== 0) {
    throw new GemmaError('tensor-shape', `a ${name} row has ${n} values; expected a multiple of ${type.blockSize}`, {
      detail: {type: name, length: n},
    });
  }
  return (n / type.blockSize) * type.blockBytes;
}

/** Bytes of a row rounded up to whole u32 words, as a shader reads it: a Q6_K row of 256 values is 210 → 212. */
export function paddedRowBytes(name: GgmlTypeName, n: number): number {
  return Math.ceil(rowBytes(name, n) / 4) * 4;
}

/**
 * Bytes of a whole tensor in the file. `shape` is GGUF's `ne`, fastest dimension first.
 * May exceed 2^53 for a hostile shape: the caller compares it with the file.
 */
export function tensorBytes(name: GgmlTypeName, shape: readonly number[]): number {
  return shape.slice(1).reduce((bytes, extent) => bytes * extent, rowBytes(name, shape[0] ?? 1));
}

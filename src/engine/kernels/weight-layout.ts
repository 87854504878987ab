// How the rows of a weight matrix are laid out on the GPU: four rows beside each other, so that one 16-byte load serves
// four outputs, and the fields of a row's blocks apart ("planes": all quants, then all scales), so that neighbouring
// invocations read neighbouring words. Only bytes are moved. shaders/interleave_rows.wgsl does it while weights load;
// shaders/lib/weights_<type>.wgsl reads it. Knows no GPU.
import {type GgmlTypeName, ggmlType, rowBytes} from '../../gguf/ggml-types.ts';
import type {WeightType} from './weight-types.ts';

/** Rows that are beside each other: word w of row 4q + c is word 4 · (q · rowWords + w) + c. */
export const ROWS_BESIDE = 4;
/** Values that a shader unpacks together: a row of single values is filled up to whole tiles with zeros. */
const TILE_VALUES = 8;

/** Bytes `at` … `at + bytes − 1` of every block. */
export interface Plane {
  at: number;
  bytes: number;
}

// In the order in which they are read; every byte of a block once.
const PLANES: Readonly<Record<WeightType, readonly (readonly [at: number, bytes: number])[]>> = {
  F32: [[0, 4]],
  F16: [[0, 2]],
  BF16: [[0, 2]],
  Q4_0: [[2, 16], [0, 2]], // biome-ignore format: a type a line
  Q4_1: [[4, 16], [0, 4]], // biome-ignore format: a type a line
  Q5_0: [[6, 16], [2, 4], [0, 2]], // biome-ignore format: a type a line
  Q5_1: [[8, 16], [4, 4], [0, 4]], // biome-ignore format: a type a line
  Q8_0: [[2, 32], [0, 2]], // biome-ignore format: a type a line
  Q2_K: [[16, 64], [0, 16], [80, 4]], // biome-ignore format: a type a line
  Q3_K: [[32, 64], [0, 32], [96, 12], [108, 2]], // biome-ignore format: a type a line
  Q4_K: [[16, 128], [0, 16]], // biome-ignore format: a type a line
  Q5_K: [[48, 128], [16, 32], [0, 16]], // biome-ignore format: a type a line
  Q6_K: [[0, 128], [128, 64], [192, 16], [208, 2]], // biome-ignore format: a type a line
  IQ4_NL: [[2, 16], [0, 2]], // biome-ignore format: a type a line
  IQ4_XS: [[8, 128], [0, 8]], // biome-ignore format: a type a line
  MXFP4: [[1, 16], [0, 1]], // biome-ignore format: a type a line
};

/** The planes of a type, in the order of their memory. */
export const planesOf = (type: WeightType): readonly Plane[] => PLANES[type].map(([at, bytes]) => ({at, bytes}));

const planeWords = (bytes: number, nBlocks: number): number => Math.ceil((bytes * nBlocks) / 4);

/** u32 words of one row of `n` values on the GPU. @throws GemmaError as `rowBytes` does. */
export function rowWords(type: GgmlTypeName, n: number): number {
  const {blockSize} = ggmlType(type);
  rowBytes(type, n); // checks the length
  if (blockSize === 1) return planeWords(PLANES[type as WeightType][0][1], Math.ceil(n / TILE_VALUES) * TILE_VALUES);
  return PLANES[type as WeightType].reduce((sum, [, bytes]) => sum + planeWords(bytes, n / blockSize), 0);
}

/** Bytes of `nRows` rows of `n` values on the GPU. */
export const matrixBytes = (type: GgmlTypeName, n: number, nRows: number): number =>
  Math.ceil(nRows / ROWS_BESIDE) * ROWS_BESIDE * 4 * rowWords(type, n);

/** Puts a row of `n` values, as in the file, at place `index` of rows on the GPU. */
export function placeRow(type: WeightType, n: number, row: Uint8Array, matrix: Uint8Array, index: number): void {
  const {blockSize, blockBytes} = ggmlType(type);
  const words = rowWords(type, n);
  const first = 4 * (Math.floor(index / ROWS_BESIDE) * ROWS_BESIDE * words + (index % ROWS_BESIDE));
  let start = 0; // of the plane, in bytes of the row
  for (const [at, bytes] of PLANES[type]) {
    for (let block = 0; block < n / blockSize; block++) {
      for (let i = 0; i < bytes; i++) {
        const to = start + block * bytes + i;
        matrix[first + 4 * ROWS_BESIDE * (to >> 2) + (to & 3)] = row[block * blockBytes + at + i];
      }
    }
    start += 4 * planeWords(bytes, n / blockSize);
  }
}

/** `nRows` rows of `n` values, as in the file, as they are on the GPU: the reference of interleave_rows. */
export function interleaveRows(type: WeightType, n: number, rows: Uint8Array, nRows: number): Uint8Array<ArrayBuffer> {
  const bytes = rowBytes(type, n);
  const matrix = new Uint8Array(matrixBytes(type, n, nRows));
  for (let r = 0; r < nRows; r++) placeRow(type, n, rows.subarray(r * bytes, (r + 1) * bytes), matrix, r);
  return matrix;
}

// Weight tensors of every type for kernel tests: random blocks, awkward scales, and the values they stand for.

import {noise, noiseBytes} from '../../scripts/lib/noise.ts';
import {encodeTensor, toF16} from '../../scripts/model-files/quantize.ts';
import {interleaveRows, rowWords} from '../../src/engine/kernels/weight-layout.ts';
import type {WeightType} from '../../src/engine/kernels/weight-types.ts';
import {dequantize} from '../../src/gguf/dequantize.ts';
import {ggmlType, halfOffsets, rowBytes} from '../../src/gguf/ggml-types.ts';

export interface TestWeight {
  type: WeightType;
  n: number;
  /** [nRows][n], as the CPU reads them. */
  values: Float32Array;
  /** The rows as in the file, without gaps. */
  packed: Uint8Array;
  /** The rows as the GPU gets them. */
  bytes: Uint8Array;
  rowStrideWords: number;
}

// About what a block's f16 scales are multiplied with.
const RANGES: Partial<Record<WeightType, number>> = {
  Q4_0: 8,
  Q4_1: 8,
  Q5_0: 16,
  Q5_1: 16,
  Q8_0: 127,
  Q2_K: 30,
  Q3_K: 80,
  Q4_K: 500,
  Q5_K: 1000,
  Q6_K: 2000,
  IQ4_NL: 100,
  IQ4_XS: 2000,
};

export function testWeight(type: WeightType, nRows: number, n: number, seed = 1): TestWeight {
  const packed = packedBytes(type, nRows * n, seed);
  const bytes = interleaveRows(type, n, packed, nRows);
  return {type, n, values: dequantize(type, packed), packed, bytes, rowStrideWords: rowWords(type, n)};
}

/** Rows `first` … `first + count − 1` as a tensor of their own, as the GPU gets it. */
export function sliceRows({type, n, packed}: TestWeight, first: number, count: number): Uint8Array {
  const bytes = rowBytes(type, n);
  return interleaveRows(type, n, packed.subarray(first * bytes, (first + count) * bytes), count);
}

function packedBytes(type: WeightType, length: number, seed: number): Uint8Array {
  if (type === 'F32' || type === 'F16' || type === 'BF16') {
    const values = noise(length, seed);
    if (type === 'F16') {
      // Subnormal halves of either sign, the smallest and the largest.
      for (let i = 0; i < length; i += 3) values[i] *= 2 ** -16;
      values.set([2 ** -24, -(2 ** -24), 1023 * 2 ** -24].slice(0, length));
    }
    return encodeTensor(type, values);
  }
  const {blockSize, blockBytes} = ggmlType(type);
  const bytes = noiseBytes((length / blockSize) * blockBytes, seed);
  const view = new DataView(bytes.buffer);
  const spread = noise(2 * (length / blockSize), seed + 1);
  for (let block = 0; block < length / blockSize; block++) {
    halfOffsets(type).forEach((at, i) => {
      const scale = toF16(spread[2 * block + i] / (RANGES[type] ?? 1)); // of either sign
      // Every fourth block: zero, the smallest subnormals and the largest.
      const subnormal = [0, 1, 0x8001, 0x83ff][Math.floor(block / 4) % 4];
      view.setUint16(block * blockBytes + at, block % 4 === 3 ? subnormal : scale, true);
    });
    // An exponent about that of one, or of a small number. Whether subnormals become zero is the GPU's business.
    if (type === 'MXFP4') bytes[block * blockBytes] = block % 4 === 3 ? 2 : 122 + (bytes[block * blockBytes] % 8);
  }
  return bytes;
}

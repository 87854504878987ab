// Weight tensors of every type for kernel tests: random blocks, awkward scales, and the values they stand for.
import type {WeightType} from '../../src/engine/kernels/weight-types.ts';
import {dequantize} from '../../src/gguf/dequantize.ts';
import {ggmlType, paddedRowBytes, rowBytes} from '../../src/gguf/ggml-types.ts';
import {encodeTensor, toF16} from '../fixtures/quantize.ts';
import {noise, noiseBytes} from './noise.ts';

export interface TestWeight {
  /** [nRows][n], as the CPU reads them. */
  values: Float32Array;
  /** The rows as the GPU gets them: each padded to words, the padding deliberately not zero. */
  bytes: Uint8Array;
  rowStrideWords: number;
}

// Where a block keeps its f16 scales, and about what they are multiplied with.
const SCALES: Partial<Record<WeightType, {at: readonly number[]; range: number}>> = {
  Q8_0: {at: [0], range: 127},
  Q4_0: {at: [0], range: 8},
  Q4_K: {at: [0, 2], range: 500},
  Q6_K: {at: [208], range: 2000},
};

export function testWeight(type: WeightType, nRows: number, n: number, seed = 1): TestWeight {
  const packed = packedBytes(type, nRows * n, seed);
  const [from, to] = [rowBytes(type, n), paddedRowBytes(type, n)];
  const bytes = new Uint8Array(nRows * to).fill(0xff);
  for (let r = 0; r < nRows; r++) bytes.set(packed.subarray(r * from, (r + 1) * from), r * to);
  return {values: dequantize(type, packed), bytes, rowStrideWords: to / 4};
}

/** Rows `first` … `first + count − 1` as a tensor of their own. */
export function sliceRows(weight: TestWeight, first: number, count: number): Uint8Array {
  const stride = 4 * weight.rowStrideWords;
  return weight.bytes.subarray(first * stride, (first + count) * stride);
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
  const scales = SCALES[type];
  if (!scales) throw new Error(`no scales for ${type}`);
  const {blockSize, blockBytes} = ggmlType(type);
  const bytes = noiseBytes((length / blockSize) * blockBytes, seed);
  const view = new DataView(bytes.buffer);
  const spread = noise(2 * (length / blockSize), seed + 1);
  for (let block = 0; block < length / blockSize; block++) {
    scales.at.forEach((at, i) => {
      const scale = toF16(spread[2 * block + i] / scales.range); // of either sign
      // Every fourth block: zero, the smallest subnormals and the largest.
      const subnormal = [0, 1, 0x8001, 0x83ff][Math.floor(block / 4) % 4];
      view.setUint16(block * blockBytes + at, block % 4 === 3 ? subnormal : scale, true);
    });
  }
  return bytes;
}

// Turns stored tensor rows into f32 on the CPU: the reference that every kernel is measured by. Clear, not fast.
// The block formulas are in dequantize-basic.ts (blocks of 32), dequantize-k.ts and dequantize-table.ts.
import {GemmaError} from '../errors.ts';
import {dequantizeQ4_0, dequantizeQ4_1, dequantizeQ5_0, dequantizeQ5_1, dequantizeQ8_0} from './dequantize-basic.ts';
import {dequantizeQ2K, dequantizeQ3K, dequantizeQ4K, dequantizeQ5K, dequantizeQ6K} from './dequantize-k.ts';
import {dequantizeIQ4NL, dequantizeIQ4XS, dequantizeMXFP4} from './dequantize-table.ts';
import type {GgmlTypeName} from './ggml-types.ts';
import {ggmlType, rowBytes} from './ggml-types.ts';
import {f16ToF32Bits} from './half.ts';

/**
 * Dequantizes one block. `block` is a view of exactly the block's bytes, `out` of exactly its values. Arithmetic is
 * that of f32 in the order the format defines; the store into `out` is the final rounding.
 */
export type DequantizeBlock = (block: DataView, out: Float32Array) => void;

const BLOCKS: Partial<Record<GgmlTypeName, DequantizeBlock>> = {
  Q4_0: dequantizeQ4_0,
  Q4_1: dequantizeQ4_1,
  Q5_0: dequantizeQ5_0,
  Q5_1: dequantizeQ5_1,
  Q8_0: dequantizeQ8_0,
  Q2_K: dequantizeQ2K,
  Q3_K: dequantizeQ3K,
  Q4_K: dequantizeQ4K,
  Q5_K: dequantizeQ5K,
  Q6_K: dequantizeQ6K,
  IQ4_NL: dequantizeIQ4NL,
  IQ4_XS: dequantizeIQ4XS,
  MXFP4: dequantizeMXFP4,
};

/** Types that `dequantizeRow` knows. */
export const DEQUANTIZABLE: readonly GgmlTypeName[] = [
  'F32',
  'F16',
  'BF16',
  ...(Object.keys(BLOCKS) as GgmlTypeName[]),
];

/**
 * One or more rows: `out.length` values from `rowBytes(type, out.length)` bytes. `bytes` need not be aligned.
 * @throws GemmaError `quant-unsupported` for another type, `tensor-shape` if the lengths do not fit each other.
 */
export function dequantizeRow(type: GgmlTypeName, bytes: Uint8Array, out: Float32Array): void {
  const expected = rowBytes(type, out.length);
  if (bytes.length !== expected) {
    throw new GemmaError('tensor-shape', `${out.length} ${type} values take ${expected} bytes; found ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  if (type === 'F32') {
    for (let i = 0; i < words.length; i++) words[i] = view.getUint32(4 * i, true);
  } else if (type === 'F16') {
    for (let i = 0; i < words.length; i++) words[i] = f16ToF32Bits(view.getUint16(2 * i, true));
  } else if (type === 'BF16') {
    for (let i = 0; i < words.length; i++) words[i] = view.getUint16(2 * i, true) << 16;
  } else {
    dequantizeBlocks(type, view, out);
  }
}

/** The same into a new array, for whole blocks of bytes. */
export function dequantize(type: GgmlTypeName, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const {blockSize, blockBytes} = ggmlType(type);
  const out = new Float32Array(Math.ceil(bytes.length / blockBytes) * blockSize);
  dequantizeRow(type, bytes, out);
  return out;
}

function dequantizeBlocks(type: GgmlTypeName, view: DataView, out: Float32Array): void {
  const block = BLOCKS[type];
  if (!block) {
    throw new GemmaError('quant-unsupported', `${type} cannot be dequantized; supported: ${DEQUANTIZABLE.join(', ')}`, {
      detail: {type},
    });
  }
  const {blockSize, blockBytes} = ggmlType(type);
  for (let i = 0; i * blockSize < out.length; i++) {
    block(
      new DataView(view.buffer, view.byteOffset + i * blockBytes, blockBytes),
      out.subarray(i * blockSize, (i + 1) * blockSize),
    );
  }
}

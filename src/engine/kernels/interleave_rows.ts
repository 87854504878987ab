// Binds shaders/interleave_rows.wgsl and makes the constants that describe a row's planes.
import shader from '../../../shaders/interleave_rows.wgsl';
import {ggmlType, rowBytes} from '../../gguf/ggml-types.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {constantIn} from '../../gpu/wgsl.ts';
import {planesOf, ROWS_BESIDE, rowWords} from './weight-layout.ts';
import type {WeightType} from './weight-types.ts';

const WORKGROUP_SIZE = constantIn(shader, 'WORKGROUP_SIZE');

/** `nRows` rows of the source, at most 4 · 65535. */
export const interleaveRows = defineKernel(shader, {
  bindings: ['source', 'weight'],
  constants: [
    'ROW_BYTES',
    'ROW_WORDS',
    'BLOCK_BYTES',
    'N_BLOCKS',
    'PLANE_0_AT',
    'PLANE_0_BYTES',
    'PLANE_1_AT',
    'PLANE_1_BYTES',
    'PLANE_2_AT',
    'PLANE_2_BYTES',
    'PLANE_3_AT',
    'PLANE_3_BYTES',
  ],
  grid: ({nRows}: RowShape, {ROW_WORDS}) => [Math.ceil(ROW_WORDS / WORKGROUP_SIZE), Math.ceil(nRows / ROWS_BESIDE), 1],
});

/** The constants for rows of `n` values of a type. */
export function interleaveConstants(type: WeightType, n: number) {
  const {blockSize, blockBytes} = ggmlType(type);
  const [p0, p1, p2, p3] = planesOf(type);
  return {
    ROW_BYTES: rowBytes(type, n),
    ROW_WORDS: rowWords(type, n),
    BLOCK_BYTES: blockBytes,
    N_BLOCKS: n / blockSize,
    PLANE_0_AT: p0.at,
    PLANE_0_BYTES: p0.bytes,
    PLANE_1_AT: p1?.at ?? 0,
    PLANE_1_BYTES: p1?.bytes ?? 0,
    PLANE_2_AT: p2?.at ?? 0,
    PLANE_2_BYTES: p2?.bytes ?? 0,
    PLANE_3_AT: p3?.at ?? 0,
    PLANE_3_BYTES: p3?.bytes ?? 0,
  };
}

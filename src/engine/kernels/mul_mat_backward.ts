// Binds shaders/mul_mat_backward.wgsl for every weight type, and chooses its tiles. nRows counts the rows that ROWS names.
import shader from '../../../shaders/mul_mat_backward.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {byType, forWeightType} from './weight-kernels.ts';

/** How a workgroup cuts a product: rows, values of a row of W, rows of W at a time, and groups of four rows an invocation has. */
export interface BackwardTiles {
  ROW_TILE: number;
  COLUMN_TILE: number;
  DEPTH: number;
  ROW_QUADS: number;
}

/** At most 16 KiB of workgroup memory and 256 invocations: WebGPU's guaranteed limits. */
export const BACKWARD_TILES: BackwardTiles = {ROW_TILE: 64, COLUMN_TILE: 64, DEPTH: 32, ROW_QUADS: 1};
export const LARGE_BACKWARD_TILES: BackwardTiles = {ROW_TILE: 64, COLUMN_TILE: 128, DEPTH: 16, ROW_QUADS: 2};

/** The invocations of a workgroup with these tiles. */
export const backwardWorkgroup = ({ROW_TILE, COLUMN_TILE, ROW_QUADS}: BackwardTiles): number =>
  (ROW_TILE / (4 * ROW_QUADS)) * (COLUMN_TILE / 4);

/** mul_mat_backward_<type>, by weight type. */
export const mulMatBackward = byType((type) =>
  forWeightType(type, shader, (complete) =>
    defineKernel(complete, {
      bindings: ['step', 'dy', 'weight', 'dx'],
      constants: [
        'WORKGROUP_SIZE',
        'ROW_TILE',
        'COLUMN_TILE',
        'DEPTH',
        'ROW_QUADS',
        'N_IN',
        'N_SLICE_ROWS',
        'FIRST_ROW',
        'N_OUT',
        'ROW_STRIDE_WORDS',
        'ROWS',
        'PARTS',
        'PART_ROWS',
        'ACCUMULATE',
      ],
      defaults: {FIRST_ROW: 0, ROWS: 0, PARTS: 1, PART_ROWS: 2 ** 30, ACCUMULATE: 0},
      grid: ({nRows}: RowShape, {N_IN, ROW_TILE, COLUMN_TILE, PARTS}) =>
        spread(Math.ceil(N_IN / COLUMN_TILE), PARTS * Math.ceil(nRows / ROW_TILE)),
    }),
  ),
);

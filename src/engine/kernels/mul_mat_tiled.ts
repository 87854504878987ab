// Binds shaders/mul_mat_tiled.wgsl for every weight type, and chooses its tiles. nRows counts the rows that ROWS
// names.
import shader from '../../../shaders/mul_mat_tiled.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {byType, forWeightType} from './weight-kernels.ts';

/** How a workgroup cuts a product: rows, outputs, inputs at a time, and groups of four rows an invocation has. */
export interface Tiles {
  ROW_TILE: number;
  OUTPUT_TILE: number;
  DEPTH: number;
  ROW_QUADS: number;
}

/** At most 16 KiB of workgroup memory and 256 invocations: WebGPU's guaranteed limits. */
export const NARROW_TILES: Tiles = {ROW_TILE: 32, OUTPUT_TILE: 32, DEPTH: 32, ROW_QUADS: 1};
export const SMALL_TILES: Tiles = {ROW_TILE: 64, OUTPUT_TILE: 64, DEPTH: 32, ROW_QUADS: 1};
export const LARGE_TILES: Tiles = {ROW_TILE: 64, OUTPUT_TILE: 128, DEPTH: 16, ROW_QUADS: 2};

/**
 * The tiles for a matrix: the larger, the less is read twice, and the fewer workgroups there are. Measured on an H200
 * with 512 rows (bench/kernels.ts): 64 × 128 makes 29.8 TFLOP/s of 1536 → 12288, where 64 × 64 makes 24.8; of 6144 → 1536 it
 * is 15.4 and 17.9.
 */
export const tilesFor = (nOut: number): Tiles =>
  nOut >= 4096 ? LARGE_TILES : nOut > 1024 ? SMALL_TILES : NARROW_TILES;

/** The invocations of a workgroup with these tiles. */
export const tiledWorkgroup = ({ROW_TILE, OUTPUT_TILE, ROW_QUADS}: Tiles): number =>
  (ROW_TILE / (4 * ROW_QUADS)) * (OUTPUT_TILE / 4);

/** mul_mat_tiled_<type>, by weight type, for rows of a multiple of 4 values. */
export const mulMatTiled = byType((type) =>
  forWeightType(type, shader, (complete) =>
    defineKernel(complete, {
      bindings: ['step', 'x', 'weight', 'y'],
      constants: [
        'WORKGROUP_SIZE',
        'ROW_TILE',
        'OUTPUT_TILE',
        'DEPTH',
        'ROW_QUADS',
        'N_IN',
        'N_SLICE_ROWS',
        'FIRST_ROW',
        'N_OUT',
        'ROW_STRIDE_WORDS',
        'ROWS',
      ],
      defaults: {FIRST_ROW: 0, ROWS: 0},
      grid: ({nRows}: RowShape, {N_SLICE_ROWS, ROW_TILE, OUTPUT_TILE}) =>
        spread(Math.ceil(N_SLICE_ROWS / OUTPUT_TILE), Math.ceil(nRows / ROW_TILE)),
    }),
  ),
);

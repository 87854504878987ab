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
export const tilesFor = (nOut: number, parts = 1): Tiles =>
  nOut >= 4096 ? LARGE_TILES : nOut * parts > 1024 ? SMALL_TILES : NARROW_TILES;

/** A multiple of every DEPTH. */
const PART_STEP = 32;
/** More of them fill no device better, and all are written and read again. */
const MAX_PARTS = 8;
/** Fewer do not pay for their addition. */
const MIN_PARTS = 3;
/** Values of all parts of a row at most: 16 MiB for 512 rows. */
const PART_VALUES = 8192;

/**
 * Into how many parts the sums of a product are cut, each over a workgroup of its own: several where few outputs make few
 * workgroups, each with a long sum. It decides the order of a sum, hence never goes by rows. Measured on an H200, one part
 * and five, without the addition's 7 to 16 µs: 32 rows of 6144 → 1536 230 and 62 µs, 512 rows 560 and 429.
 * @param leastLength values of a part at least; 0: one part
 */
export function partsOf(nIn: number, nOut: number, leastLength: number): {PARTS: number; PART_TILES: number} {
  const most = Math.min(MAX_PARTS, Math.floor(PART_VALUES / nOut), leastLength && Math.floor(nIn / leastLength));
  const length = PART_STEP * Math.ceil(nIn / (most < MIN_PARTS ? 1 : most) / PART_STEP);
  return {PARTS: Math.ceil(nIn / length), PART_TILES: length / 8};
}

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
        'PARTS',
        'PART_TILES',
      ],
      defaults: {FIRST_ROW: 0, ROWS: 0, PARTS: 1, PART_TILES: 2 ** 30},
      grid: ({nRows}: RowShape, {N_SLICE_ROWS, ROW_TILE, OUTPUT_TILE, PARTS}) =>
        spread(Math.ceil(N_SLICE_ROWS / OUTPUT_TILE), PARTS * Math.ceil(nRows / ROW_TILE)),
    }),
  ),
);

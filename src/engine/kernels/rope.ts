// Binds shaders/rope.wgsl and makes its table.
import shader from '../../../shaders/rope.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {constantIn} from '../../gpu/wgsl.ts';

/** Rotates each head by its row's position. */
export const rope = defineKernel(shader, {
  bindings: ['rows', 'frequencies', 'x', 'y'],
  constants: ['N_HEAD', 'HEAD_DIM', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N_HEAD, HEAD_DIM, WORKGROUP_SIZE}) =>
    elementwise((nRows * N_HEAD * HEAD_DIM) / 2, WORKGROUP_SIZE),
});

/** Positions are split into high · LOW + low. */
const LOW = constantIn(shader, 'LOW');

/**
 * The `frequencies` buffer: (cos, sin) of low·θ_i for low = 0…255, then of high·256·θ_i for every high that a context
 * of `contextLength` needs; i = 0 … headDim/2 − 1. Made in f64.
 *
 * @param base `rope.freq_base`: θ_i = base^(−2i/headDim) / factors[i]
 * @param factors [headDim/2] divisors, such as `rope_freqs.weight` or the linear scaling factor repeated
 * @returns f32[256 + ceil(contextLength/256)][headDim/2][2]
 */
export function ropeTable(
  headDim: number,
  base: number,
  contextLength: number,
  factors?: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const half = headDim / 2;
  const frequencies = Float64Array.from({length: half}, (_, i) => base ** ((-2 * i) / headDim));
  const nHigh = Math.max(1, Math.ceil(contextLength / LOW));
  const table = new Float32Array((LOW + nHigh) * half * 2);
  for (let entry = 0; entry < LOW + nHigh; entry++) {
    const position = entry < LOW ? entry : (entry - LOW) * LOW;
    for (let i = 0; i < half; i++) {
      const angle = (position * frequencies[i]) / (factors?.[i] ?? 1);
      table[2 * (entry * half + i)] = Math.cos(angle);
      table[2 * (entry * half + i) + 1] = Math.sin(angle);
    }
  }
  return table;
}

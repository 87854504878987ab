// Workgroup counts within WebGPU's guaranteed 65535 a dimension. Knows no kernel.
import type {Grid} from './kernel.ts';

/** What every WebGPU device can dispatch in one dimension. More is never needed, so more is never asked for. */
export const MAX_WORKGROUPS = 65535;

/**
 * `count` workgroups over x and y, `layers` in z. The shader's linear index is `wid.x + wid.y · num_workgroups.x`;
 * up to `y − 1` of them are past `count`, so shaders guard.
 */
export function spread(count: number, layers = 1): Grid {
  if (count === 0 || layers === 0) return [0, 0, 0];
  const y = Math.ceil(count / MAX_WORKGROUPS);
  return [Math.ceil(count / y), y, layers];
}

/** Workgroups of `workgroupSize` invocations that cover `n` values. */
export const elementwise = (n: number, workgroupSize: number): Grid => spread(Math.ceil(n / workgroupSize));

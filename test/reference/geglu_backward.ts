// geglu_backward and geglu_gate_backward in f64.
import {geluTanh} from './geglu.ts';

/** d gelu(u) / du, the derivative of ½u(1 + tanh(√(2/π)(u + 0.044715u³))). */
export function geluSlope(u: number): number {
  const t = Math.tanh(Math.sqrt(2 / Math.PI) * (u + 0.044715 * u ** 3));
  return 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * u * u);
}

/** dgate[r][i] = dy · up[r][upOffset + i] · gelu′(gate), dup[r][i] = dy · gelu(gate); gate, dy: [nRows][n], up: [nRows][upStride]. */
export function gegluBackward(
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
  dy: ArrayLike<number>,
  n: number,
  upStride = n,
  upOffset = 0,
): {dgate: Float64Array<ArrayBuffer>; dup: Float64Array<ArrayBuffer>} {
  const {length} = gate;
  const upAt = (i: number) => up[Math.floor(i / n) * upStride + upOffset + (i % n)];
  return {
    dgate: Float64Array.from({length}, (_, i) => dy[i] * upAt(i) * geluSlope(gate[i])),
    dup: Float64Array.from({length}, (_, i) => dy[i] * geluTanh(gate[i])),
  };
}

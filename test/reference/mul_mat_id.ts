// mul_mat_id in f64, from dequantized weights.
import {mulMat} from './mul_mat.ts';

export interface ExpertRows {
  /** Rows of `weight` that belong to one expert, and which of them are meant. */
  expertRows: number;
  offset?: number;
  nOut: number;
}

/**
 * y[r][s] = W_e · x[r], or · x[r][s] where x has as many vectors as `experts`; e = experts[r][s].
 * @param weight [experts · expertRows][nIn]
 * @param experts [nRows][used]
 */
export function mulMatId(
  weight: Float32Array,
  x: Float32Array,
  nIn: number,
  experts: readonly number[],
  used: number,
  {expertRows, offset = 0, nOut}: ExpertRows,
): Float64Array<ArrayBuffer> {
  const y = new Float64Array(experts.length * nOut);
  const perExpert = x.length / nIn === experts.length;
  experts.forEach((e, pair) => {
    const first = e * expertRows + offset;
    const xRow = perExpert ? pair : Math.floor(pair / used);
    const matrix = weight.subarray(first * nIn, (first + nOut) * nIn);
    y.set(mulMat(matrix, x.subarray(xRow * nIn, (xRow + 1) * nIn), nIn), pair * nOut);
  });
  return y;
}

// What encoders have alike in float64: every token attends every other, on sliding layers those near it.
import type {LayerConfig} from '../../../src/engine/model/model-config.ts';
import type {Rows} from '../types.ts';

/** q: [n][nHead·headDim], k and v: [n][nHeadKv·headDim] → [n][nHead·headDim]. */
export function attendBoth(layer: LayerConfig, scale: number, q: Rows, k: Rows, v: Rows): Rows {
  const {nHead, nHeadKv, headDim, window} = layer;
  return q.map((row, position) => {
    const y = new Float64Array(nHead * headDim);
    for (let head = 0; head < nHead; head++) {
      const kv = Math.floor((head * nHeadKv) / nHead) * headDim;
      const near = k.map((_, p) => p).filter((p) => window === 0 || Math.abs(p - position) < window);
      const scores = near.map((p) => {
        let score = 0;
        for (let i = 0; i < headDim; i++) score += row[head * headDim + i] * k[p][kv + i];
        return score * scale;
      });
      const largest = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((a, b) => a + b, 0);
      near.forEach((p, j) => {
        for (let i = 0; i < headDim; i++) y[head * headDim + i] += (weights[j] / total) * v[p][kv + i];
      });
    }
    return y;
  });
}

/** The mean of all rows. */
export function meanOf(rows: Rows): Float64Array {
  const mean = new Float64Array(rows[0].length);
  for (const row of rows) {
    row.forEach((value, i) => {
      mean[i] += value / rows.length;
    });
  }
  return mean;
}

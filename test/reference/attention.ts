// attention in f64, the softmax over all visible keys at once.
import {cacheSlot, type RowPlace} from './kv_write.ts';

export interface AttentionShape {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  scale: number;
  /** A row sees keys that are fewer positions away than this; 0: all up to its last. */
  window: number;
  /** Scores are bent into ±softcap; 0: they are not. */
  softcap: number;
  pageSize: number;
}

/** q: [rows][nHead][headDim]; k, v: [slots][nHeadKv][headDim]; returns [rows][nHead][headDim]. */
export function attention(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  rows: readonly RowPlace[],
  pageTables: ArrayLike<number>,
  {nHead, nHeadKv, headDim, scale, window, softcap, pageSize}: AttentionShape,
): Float64Array<ArrayBuffer> {
  const y = new Float64Array(rows.length * nHead * headDim);
  rows.forEach(({position, pageTable, last = position}, r) => {
    const first = window > 0 ? Math.max(0, position - window + 1) : 0;
    const end = window > 0 ? Math.min(last + 1, position + window) : last + 1;
    const slots: number[] = [];
    for (let p = first; p < end; p++) slots.push(cacheSlot(pageTables, pageTable, p, pageSize));
    for (let head = 0; head < nHead; head++) {
      const kvHead = Math.floor((head * nHeadKv) / nHead);
      const own = (r * nHead + head) * headDim;
      const at = (slot: number) => (slot * nHeadKv + kvHead) * headDim;
      const scores = slots.map((slot) => {
        let score = 0;
        for (let i = 0; i < headDim; i++) score += q[own + i] * k[at(slot) + i];
        return softcap > 0 ? softcap * Math.tanh((score * scale) / softcap) : score * scale;
      });
      const largest = scores.reduce((a, b) => Math.max(a, b));
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((a, b) => a + b);
      slots.forEach((slot, j) => {
        for (let i = 0; i < headDim; i++) y[own + i] += (weights[j] / total) * v[at(slot) + i];
      });
    }
  });
  return y;
}

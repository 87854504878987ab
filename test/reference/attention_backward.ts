// attention_delta, attention_backward_queries and attention_backward_keys in f64.
import {attentionTrain, firstKey, type TrainAttentionShape} from './attention_train.ts';

export interface AttentionGradients {
  /** [n][nHead][headDim] */
  dq: Float64Array<ArrayBuffer>;
  /** [n][nHeadKv][headDim] */
  dk: Float64Array<ArrayBuffer>;
  dv: Float64Array<ArrayBuffer>;
}

/** Gradients of attentionTrain's y, with dy: [n][nHead][headDim]. */
export function attentionBackward(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  dy: ArrayLike<number>,
  starts: ArrayLike<number>,
  shape: TrainAttentionShape,
): AttentionGradients {
  const {nHead, nHeadKv, headDim, scale, window, softcap} = shape;
  const {y, logSums} = attentionTrain(q, k, v, starts, shape);
  const [dq, dk, dv] = [q, k, v].map(({length}) => new Float64Array(length));
  const dot = (a: ArrayLike<number>, atA: number, b: ArrayLike<number>, atB: number) => {
    let sum = 0;
    for (let i = 0; i < headDim; i++) sum += a[atA + i] * b[atB + i];
    return sum;
  };
  for (let r = 0; r < starts.length; r++) {
    for (let head = 0; head < nHead; head++) {
      const own = (r * nHead + head) * headDim;
      const delta = dot(y, own, dy, own);
      for (let p = firstKey(starts, r, window); p <= r; p++) {
        const key = (p * nHeadKv + Math.floor((head * nHeadKv) / nHead)) * headDim;
        const product = scale * dot(q, own, k, key);
        const score = softcap > 0 ? softcap * Math.tanh(product / softcap) : product;
        const slope = softcap > 0 ? 1 - (score / softcap) ** 2 : 1;
        const weight = Math.exp(score - logSums[r * nHead + head]);
        const gradient = weight * (dot(dy, own, v, key) - delta) * slope * scale;
        for (let i = 0; i < headDim; i++) {
          dq[own + i] += gradient * k[key + i];
          dk[key + i] += gradient * q[own + i];
          dv[key + i] += weight * dy[own + i];
        }
      }
    }
  }
  return {dq, dk, dv};
}

// The forward pass of a BERT that turns a text into a vector: embeddings, layers, the mean over all tokens, length one. Plain
// arithmetic, no GPU and no wasm; what multiplies its matrices is given. Knows no files.
//
// Devlin et al., "BERT" (2018), as BertModel of Hugging Face transformers computes it, and the mean of sentence-transformers.

/** y[t][o] = bias[o] + Σ x[t][i] · weight[o][i] */
export interface Product {
  readonly nIn: number;
  readonly nOut: number;
  /** @param x [nRows][nIn] @param y [nRows][nOut], overwritten */
  multiply(x: Float32Array, nRows: number, y: Float32Array): void;
}

export interface Norm {
  weight: Float32Array;
  bias: Float32Array;
}

export interface BertLayer {
  query: Product;
  key: Product;
  value: Product;
  output: Product;
  outputNorm: Norm;
  up: Product;
  down: Product;
  downNorm: Norm;
}

export interface BertShape {
  nLayer: number;
  nEmbd: number;
  nHead: number;
  nFf: number;
  /** Longest text in tokens. */
  maxTokens: number;
  normEps: number;
}

/** y[t][o] = Σ x[t][i] · weights[o][i], for matrices that are used once. */
export type Multiply = (
  weights: Float32Array,
  nOut: number,
  nIn: number,
  x: Float32Array,
  nRows: number,
  y: Float32Array,
) => void;

/** What a text's tokens begin as. */
export interface BertInput {
  /** A row of the word table for each token, f32[nEmbd]. */
  words: readonly Float32Array[];
  /** [maxTokens][nEmbd]; the row of the token type is added to each. */
  positions: Float32Array;
  norm: Norm;
}

/** The vector of a text, f32[nEmbd], of length one. */
export function bertVector(
  shape: BertShape,
  layers: Iterable<BertLayer>,
  {words, positions, norm}: BertInput,
  multiply: Multiply = multiplyPlain,
): Float32Array {
  const {nEmbd, nFf, normEps} = shape;
  const nTokens = Math.min(words.length, shape.maxTokens);
  const floats = (width: number): Float32Array => new Float32Array(nTokens * width);
  const x = floats(nEmbd);
  for (let t = 0; t < nTokens; t++) {
    for (let i = 0; i < nEmbd; i++) x[t * nEmbd + i] = words[t][i] + positions[t * nEmbd + i];
  }
  normalize(x, norm, normEps);
  const [q, k, v, mixed] = [floats(nEmbd), floats(nEmbd), floats(nEmbd), floats(nEmbd)];
  const wide = floats(nFf);
  for (const layer of layers) {
    layer.query.multiply(x, nTokens, q);
    layer.key.multiply(x, nTokens, k);
    layer.value.multiply(x, nTokens, v);
    attend([q, k, v], nTokens, shape, multiply, mixed);
    const attended = floats(nEmbd);
    layer.output.multiply(mixed, nTokens, attended);
    for (let i = 0; i < x.length; i++) attended[i] += x[i];
    normalize(attended, layer.outputNorm, normEps);
    layer.up.multiply(attended, nTokens, wide);
    for (let i = 0; i < wide.length; i++) wide[i] = gelu(wide[i]);
    layer.down.multiply(wide, nTokens, x);
    for (let i = 0; i < x.length; i++) x[i] += attended[i];
    normalize(x, layer.downNorm, normEps);
  }
  return unitMean(x, nTokens, nEmbd);
}

/** Every row to mean 0 and variance 1, then by weight and bias. */
function normalize(x: Float32Array, {weight, bias}: Norm, eps: number): void {
  const width = weight.length;
  for (let at = 0; at < x.length; at += width) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += x[at + i];
    const mean = sum / width;
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (x[at + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / width + eps);
    for (let i = 0; i < width; i++) x[at + i] = (x[at + i] - mean) * scale * weight[i] + bias[i];
  }
}

/** Attention of every token to every other, head by head. */
function attend(
  [q, k, v]: readonly Float32Array[],
  nTokens: number,
  {nEmbd, nHead}: BertShape,
  multiply: Multiply,
  out: Float32Array,
): void {
  const headDim = nEmbd / nHead;
  const scale = 1 / Math.sqrt(headDim);
  const size = nTokens * headDim;
  const [queries, keys, values, mixed] = [size, size, size, size].map((each) => new Float32Array(each));
  const scores = new Float32Array(nTokens * nTokens);
  for (let head = 0; head < nHead; head++) {
    for (let t = 0; t < nTokens; t++) {
      for (let i = 0; i < headDim; i++) {
        const from = t * nEmbd + head * headDim + i;
        queries[t * headDim + i] = q[from] * scale;
        keys[t * headDim + i] = k[from];
        values[i * nTokens + t] = v[from];
      }
    }
    multiply(keys, nTokens, headDim, queries, nTokens, scores);
    for (let t = 0; t < nTokens; t++) softmax(scores.subarray(t * nTokens, (t + 1) * nTokens));
    multiply(values, headDim, nTokens, scores, nTokens, mixed);
    for (let t = 0; t < nTokens; t++) {
      out.set(mixed.subarray(t * headDim, (t + 1) * headDim), t * nEmbd + head * headDim);
    }
  }
}

function softmax(row: Float32Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of row) if (value > most) most = value;
  let total = 0;
  for (let i = 0; i < row.length; i++) {
    row[i] = Math.exp(row[i] - most);
    total += row[i];
  }
  for (let i = 0; i < row.length; i++) row[i] /= total;
}

const multiplyPlain: Multiply = (weights, nOut, nIn, x, nRows, y) => {
  for (let t = 0; t < nRows; t++) {
    for (let o = 0; o < nOut; o++) {
      let sum = 0;
      for (let i = 0; i < nIn; i++) sum += x[t * nIn + i] * weights[o * nIn + i];
      y[t * nOut + o] = sum;
    }
  }
};

/** x · Φ(x), with the error function of Abramowitz and Stegun 7.1.26, whose error is below 1.5e-7. */
function gelu(x: number): number {
  const z = Math.abs(x) * Math.SQRT1_2;
  const t = 1 / (1 + 0.3275911 * z);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * poly * Math.exp(-z * z);
  return x >= 0 ? x * (1 - tail) : x * tail;
}

function unitMean(x: Float32Array, nRows: number, width: number): Float32Array {
  const mean = new Float32Array(width);
  for (let i = 0; i < x.length; i++) mean[i % width] += x[i] / nRows;
  let squares = 0;
  for (const value of mean) squares += value * value;
  const length = Math.sqrt(squares);
  return length > 0 ? mean.map((value) => value / length) : mean;
}

// Matrices with 4-bit weights: packed for a file, and multiplied as they are. Knows no model.
//
// A row is cut into groups of 32 weights that share a scale: weight = (nibble − 8) · scale. First the scales of all rows, in
// bfloat16, then the nibbles, the even weight of a pair in the low half.
import type {Product} from './bert.ts';

export const GROUP = 32;
/** Tokens that are multiplied with a row of weights at once. */
const BLOCK = 4;

/** @param nIn a multiple of GROUP */
export function packedBytes(nOut: number, nIn: number): number {
  return nOut * (nIn / 2 + (2 * nIn) / GROUP);
}

/** @param weights [nOut][nIn] */
export function pack(weights: Float32Array, nOut: number, nIn: number): Uint8Array<ArrayBuffer> {
  const nGroups = (nOut * nIn) / GROUP;
  const bytes = new Uint8Array(packedBytes(nOut, nIn));
  const scales = new DataView(bytes.buffer);
  for (let group = 0; group < nGroups; group++) {
    const values = weights.subarray(group * GROUP, (group + 1) * GROUP);
    const scale = bestScale(values);
    scales.setUint16(2 * group, bfloat(scale), true);
    const at = 2 * nGroups + (group * GROUP) / 2;
    for (let i = 0; i < GROUP; i += 2)
      bytes[at + i / 2] = nibble(values[i], scale) | (nibble(values[i + 1], scale) << 4);
  }
  return bytes;
}

function nibble(value: number, scale: number): number {
  return scale === 0 ? 8 : Math.min(15, Math.max(0, Math.round(value / scale) + 8));
}

/** Of a few scales near the one that reaches the largest weight, the one with the least error. */
function bestScale(values: Float32Array): number {
  let largest = 0;
  for (const value of values) if (Math.abs(value) > Math.abs(largest)) largest = value;
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let step = -6; step <= 6; step++) {
    const scale = asFloat(bfloat(largest / (-8 + 0.2 * step)));
    let error = 0;
    for (const value of values) error += (value - (nibble(value, scale) - 8) * scale) ** 2;
    if (error < least) [best, least] = [scale, error];
  }
  return best;
}

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The nearest bfloat16. */
function bfloat(value: number): number {
  float[0] = value;
  return (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16;
}

function asFloat(bfloat16: number): number {
  bits[0] = bfloat16 << 16;
  return float[0];
}

/** Rows of packed weights. */
export class Packed {
  readonly nOut: number;
  readonly nIn: number;
  readonly #scales: Float32Array;
  readonly #nibbles: Uint8Array;

  /** @throws RangeError unless `bytes` has the matrix and nothing else */
  constructor(bytes: Uint8Array, nOut: number, nIn: number) {
    if (nIn % GROUP !== 0 || bytes.length !== packedBytes(nOut, nIn)) {
      throw new RangeError(`${bytes.length} bytes are no packed matrix of ${nOut} rows of ${nIn}`);
    }
    this.nOut = nOut;
    this.nIn = nIn;
    const nGroups = (nOut * nIn) / GROUP;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    this.#scales = Float32Array.from({length: nGroups}, (_, i) => asFloat(view.getUint16(2 * i, true)));
    this.#nibbles = bytes.subarray(2 * nGroups);
  }

  /** The weights of a row into `into`, [nIn]. */
  row(index: number, into: Float32Array | Float64Array): void {
    const {nIn} = this;
    const perRow = nIn / GROUP;
    const scales = this.#scales;
    const nibbles = this.#nibbles;
    let at = (index * nIn) / 2;
    let i = 0;
    for (let group = 0; group < perRow; group++) {
      const scale = scales[index * perRow + group];
      for (const end = i + GROUP; i < end; i += 2) {
        const pair = nibbles[at++];
        into[i] = ((pair & 15) - 8) * scale;
        into[i + 1] = ((pair >> 4) - 8) * scale;
      }
    }
  }
}

/** A product with packed weights. A row is unpacked once for all tokens. */
export class PackedProduct implements Product {
  readonly #weights: Packed;
  readonly #bias: Float32Array;
  readonly #rows: [Float64Array, Float64Array];

  constructor(weights: Packed, bias: Float32Array) {
    this.#weights = weights;
    this.#bias = bias;
    this.#rows = [new Float64Array(weights.nIn), new Float64Array(weights.nIn)];
  }

  get nIn(): number {
    return this.#weights.nIn;
  }

  get nOut(): number {
    return this.#weights.nOut;
  }

  multiply(x: Float32Array, nRows: number, y: Float32Array): void {
    const {nIn, nOut} = this.#weights;
    const [row, next] = this.#rows;
    // In f64, as JavaScript computes: no conversion within the loop. Rows past the last stay zero.
    const wide = new Float64Array(Math.ceil(nRows / BLOCK) * BLOCK * nIn);
    wide.set(x.subarray(0, nRows * nIn));
    const sums = new Float64Array(2 * BLOCK);
    for (let o = 0; o < nOut; o += 2) {
      const both = o + 1 < nOut;
      this.#weights.row(o, row);
      if (both) this.#weights.row(o + 1, next);
      for (let t = 0; t < nRows; t += BLOCK) {
        tile(row, next, wide, t * nIn, nIn, sums);
        for (let r = 0; r < Math.min(BLOCK, nRows - t); r++) {
          const at = (t + r) * nOut + o;
          y[at] = this.#bias[o] + sums[2 * r];
          if (both) y[at + 1] = this.#bias[o + 1] + sums[2 * r + 1];
        }
      }
    }
  }
}

/** Two rows of weights by four rows of `x` from `at` on: [4][2] sums. Unrolled: an indexed sum would spill to memory. */
function tile(v: Float64Array, w: Float64Array, x: Float64Array, at: number, nIn: number, sums: Float64Array): void {
  const [b, c, d] = [at + nIn, at + 2 * nIn, at + 3 * nIn];
  let [v0, v1, v2, v3, w0, w1, w2, w3] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < nIn; i++) {
    const vi = v[i];
    const wi = w[i];
    const x0 = x[at + i];
    const x1 = x[b + i];
    const x2 = x[c + i];
    const x3 = x[d + i];
    v0 += vi * x0;
    w0 += wi * x0;
    v1 += vi * x1;
    w1 += wi * x1;
    v2 += vi * x2;
    w2 += wi * x2;
    v3 += vi * x3;
    w3 += wi * x3;
  }
  sums[0] = v0;
  sums[1] = w0;
  sums[2] = v1;
  sums[3] = w1;
  sums[4] = v2;
  sums[5] = w2;
  sums[6] = v3;
  sums[7] = w3;
}

// Matrix products for the indexer in wasm with SIMD, an order of magnitude faster than in JavaScript. The module is
// assembled here, byte by byte: one function and no build step.
//
// The weights are stored eight outputs beside each other, [nOut / 8][nIn][8]; the function computes eight outputs of four rows:
// for each input two loads of weights, four splats, eight products.
import type {Multiply, Product} from '../knowledge/encoder/bert.ts';

const ROWS = 4;
const OUTPUTS = 8;
const PAGE = 65536;

// Opcodes (WebAssembly Core Specification 2.0, section 5.4).
const I32 = 0x7f;
const V128 = 0x7b;
const VECTOR = 0xfd;
const V128_LOAD = 0x00;
const V128_LOAD32_SPLAT = 0x09;
const V128_STORE = 0x0b;
const F32X4_ADD = 0xe4;
const F32X4_MUL = 0xe6;
const LOOP = 0x03;
const BR_IF = 0x0d;
const END = 0x0b;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const I32_CONST = 0x41;
const I32_ADD = 0x6a;
const I32_LT_U = 0x49;

type Tile = (weights: number, x: number, xStride: number, end: number, y: number, yStride: number) => void;

function leb(value: number): number[] {
  const bytes = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** `I32_CONST`'s argument is signed. */
function constant(value: number): number[] {
  return value < 64 ? [I32_CONST, value] : [I32_CONST, (value & 0x7f) | 0x80, value >> 7];
}

const get = (local: number): number[] => [LOCAL_GET, local];
const set = (local: number): number[] => [LOCAL_SET, local];
const vector = (opcode: number): number[] => [VECTOR, ...leb(opcode)];
/** Aligned to four bytes, as floats are. */
const memory = (opcode: number, offset: number): number[] => [...vector(opcode), 2, ...leb(offset)];

/**
 * tile(weights, x, xStride, end, y, yStride): adds to the sums that are in y the products of four rows of x with eight outputs.
 * All are addresses and distances in bytes; `end`: where the weights end.
 */
function tileCode(): number[] {
  const [weights, x, xStride, end, y, yStride] = [0, 1, 2, 3, 4, 5];
  const rows = [6, 7, 8, 9];
  const sums = [10, 11, 12, 13, 14, 15, 16, 17];
  const [low, high, splat] = [18, 19, 20];
  const code: number[] = [];
  code.push(...get(x), ...set(rows[0]));
  for (let r = 1; r < ROWS; r++) code.push(...get(rows[r - 1]), ...get(xStride), I32_ADD, ...set(rows[r]));
  const outputs = (each: (sum: number, offset: number) => number[]): void => {
    for (let r = 0; r < ROWS; r++) {
      code.push(...each(sums[2 * r], 0), ...each(sums[2 * r + 1], 16));
      if (r < ROWS - 1) code.push(...get(y), ...get(yStride), I32_ADD, ...set(y));
    }
  };
  // Where the outputs begin is needed once more.
  const start = 21;
  code.push(...get(y), ...set(start));
  outputs((sum, offset) => [...get(y), ...memory(V128_LOAD, offset), ...set(sum)]);
  code.push(LOOP, 0x40);
  code.push(...get(weights), ...memory(V128_LOAD, 0), ...set(low));
  code.push(...get(weights), ...memory(V128_LOAD, 16), ...set(high));
  for (let r = 0; r < ROWS; r++) {
    code.push(...get(rows[r]), ...memory(V128_LOAD32_SPLAT, 0), ...set(splat));
    for (const [sum, part] of [
      [sums[2 * r], low],
      [sums[2 * r + 1], high],
    ]) {
      code.push(...get(sum), ...get(part), ...get(splat), ...vector(F32X4_MUL), ...vector(F32X4_ADD), ...set(sum));
    }
    code.push(...get(rows[r]), ...constant(4), I32_ADD, ...set(rows[r]));
  }
  code.push(
    ...get(weights),
    ...constant(4 * OUTPUTS),
    I32_ADD,
    LOCAL_TEE,
    weights,
    ...get(end),
    I32_LT_U,
    BR_IF,
    0,
    END,
  );
  code.push(...get(start), ...set(y));
  outputs((sum, offset) => [...get(y), ...get(sum), ...memory(V128_STORE, offset)]);
  return [...leb(3), ...leb(4), I32, ...leb(11), V128, ...leb(1), I32, ...code, END];
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const name = (text: string): number[] => [...leb(text.length), ...new TextEncoder().encode(text)];
  const section = (id: number, content: number[]): number[] => [id, ...leb(content.length), ...content];
  const code = tileCode();
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 6, I32, I32, I32, I32, I32, I32, 0]),
    ...section(2, [1, ...name('m'), ...name('m'), 0x02, 0x00, 0]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('tile'), 0x00, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

/** A matrix in memory; `end`: where other things may begin. */
interface Placed {
  at: number;
  end: number;
  bias: Float32Array;
  nIn: number;
  nOut: number;
}

/** Products that share one memory, in which their weights stay. */
export class SimdProducts {
  readonly #memory = new WebAssembly.Memory({initial: 1});
  readonly #tile: Tile;
  /** Where the weights end. Rows and results of a product come after them. */
  #used = 0;

  constructor() {
    const module = new WebAssembly.Module(moduleBytes());
    this.#tile = new WebAssembly.Instance(module, {m: {m: this.#memory}}).exports.tile as Tile;
  }

  /** @param weights [nOut][nIn]; nOut a multiple of 8 */
  product(weights: Float32Array, bias: Float32Array, nIn: number): Product {
    const nOut = bias.length;
    if (nOut % OUTPUTS !== 0 || weights.length !== nOut * nIn) {
      throw new RangeError(
        `a matrix of ${weights.length} weights and ${nOut} outputs; expected a multiple of ${OUTPUTS}`,
      );
    }
    const at = this.#used;
    this.#used += 4 * weights.length;
    this.#place(weights, nOut, nIn, at);
    return {nIn, nOut, multiply: (x, nRows, y) => this.#run({at, end: this.#used, bias, nIn, nOut}, x, nRows, y)};
  }

  /** A product with weights that are not kept. */
  readonly once: Multiply = (weights, nOut, nIn, x, nRows, y) => {
    const at = this.#used;
    const padded = Math.ceil(nOut / OUTPUTS) * OUTPUTS;
    this.#place(weights, nOut, nIn, at);
    const sums = padded === nOut ? y : new Float32Array(nRows * padded);
    const bias = new Float32Array(padded);
    this.#run({at, end: at + 4 * padded * nIn, bias, nIn, nOut: padded}, x, nRows, sums);
    if (padded === nOut) return;
    for (let t = 0; t < nRows; t++) y.set(sums.subarray(t * padded, t * padded + nOut), t * nOut);
  };

  /** Rows past the last stay as they are: their results are not read. */
  #place(weights: Float32Array, nOut: number, nIn: number, at: number): void {
    const into = this.#floats(at, Math.ceil(nOut / OUTPUTS) * OUTPUTS * nIn);
    for (let o = 0; o < nOut; o++) {
      const panel = (o - (o % OUTPUTS)) * nIn + (o % OUTPUTS);
      for (let i = 0; i < nIn; i++) into[panel + i * OUTPUTS] = weights[o * nIn + i];
    }
  }

  #run({at, end, bias, nIn, nOut}: Placed, x: Float32Array, nRows: number, y: Float32Array): void {
    const rows = Math.ceil(nRows / ROWS) * ROWS;
    const xAt = end;
    const yAt = xAt + 4 * rows * nIn;
    const sums = this.#floats(yAt, rows * nOut);
    this.#floats(xAt, rows * nIn).set(x.subarray(0, nRows * nIn));
    for (let t = 0; t < nRows; t++) sums.set(bias, t * nOut);
    const panelBytes = 4 * OUTPUTS * nIn;
    for (let o = 0; o < nOut; o += OUTPUTS) {
      const weights = at + 4 * o * nIn;
      for (let t = 0; t < rows; t += ROWS) {
        this.#tile(weights, xAt + 4 * t * nIn, 4 * nIn, weights + panelBytes, yAt + 4 * (t * nOut + o), 4 * nOut);
      }
    }
    y.set(sums.subarray(0, nRows * nOut));
  }

  /** Floats from the address `at` on; the memory grows where it ends before them. */
  #floats(at: number, count: number): Float32Array {
    const missing = at + 4 * count - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    return new Float32Array(this.#memory.buffer, at, count);
  }
}

// Weights of the reference model: bytes as stored, rows dequantised when they are used. Whole tensors are read, so this
// is for small models and for the tensors of larger ones one can afford.

import type {ModelConfig} from '../../src/engine/model/model-config.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import {dequantizeRow} from '../../src/gguf/dequantize.ts';
import {rowBytes} from '../../src/gguf/ggml-types.ts';
import type {TensorInfo} from '../../src/gguf/gguf-file.ts';
import {type LowRank, lowRank, lowRankRow} from './low_rank.ts';

/** What adapters add to a tensor. */
export type ReferenceTerm = LowRank & {tensor: string};

/** W: [nOut][nIn]; of a tensor of experts, the rows of all of them in turn. */
export class ReferenceMatrix {
  readonly nIn: number;
  readonly nOut: number;
  readonly #type: TensorInfo['type'];
  readonly #bytes: Uint8Array;
  readonly #rowBytes: number;
  readonly #terms: readonly LowRank[];

  constructor(tensor: TensorInfo, bytes: Uint8Array, terms: readonly LowRank[] = []) {
    this.#terms = terms;
    this.#type = tensor.type;
    this.#bytes = bytes;
    this.nIn = tensor.shape[0];
    this.nOut = tensor.shape.slice(1).reduce((product, extent) => product * extent, 1);
    this.#rowBytes = rowBytes(tensor.type, this.nIn);
  }

  /** Row o as f32[nIn]. */
  row(o: number): Float32Array {
    const at = o * this.#rowBytes;
    const values = new Float32Array(this.nIn);
    dequantizeRow(this.#type, this.#bytes.subarray(at, at + this.#rowBytes), values);
    return values;
  }

  /** Row o of an embedding table, with what adapters add: f64[nIn]. */
  embedding(o: number): Float64Array {
    const values = Float64Array.from(this.row(o));
    for (const term of this.#terms) {
      lowRankRow(o, term).forEach((added, i) => {
        values[i] += added;
      });
    }
    return values;
  }

  /** y[t][o] = Σ_i W[o][i]·x[t][i] for every row t, with what adapters add: f64[n][nIn] → f64[n][nOut]. */
  multiply(x: readonly Float64Array[]): Float64Array[] {
    const y = this.multiplyRows(x, 0, this.nOut);
    for (const term of this.#terms) {
      x.forEach((vector, t) => {
        lowRank(vector, term).forEach((added, o) => {
          y[t][o] += added;
        });
      });
    }
    return y;
  }

  /** The same by rows `first` … `first + count − 1` of W alone: f64[n][nIn] → f64[n][count]. */
  multiplyRows(x: readonly Float64Array[], first: number, count: number): Float64Array[] {
    const y = x.map(() => new Float64Array(count));
    for (let o = 0; o < count; o++) {
      const weights = this.row(first + o);
      x.forEach((vector, t) => {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * vector[i];
        y[t][o] = sum;
      });
    }
    return y;
  }
}

export class ReferenceWeights {
  readonly #tensors: ReadonlyMap<string, ReferenceMatrix>;

  private constructor(tensors: ReadonlyMap<string, ReferenceMatrix>) {
    this.#tensors = tensors;
  }

  static async read(
    source: ByteSource,
    config: ModelConfig,
    terms: readonly ReferenceTerm[] = [],
  ): Promise<ReferenceWeights> {
    const tensors = new Map<string, ReferenceMatrix>();
    for (const [name, tensor] of config.tensors) {
      const added = terms.filter((term) => term.tensor === name);
      tensors.set(name, new ReferenceMatrix(tensor, await source.read(tensor.offset, tensor.byteLength), added));
    }
    return new ReferenceWeights(tensors);
  }

  matrix(name: string): ReferenceMatrix {
    const found = this.#tensors.get(name);
    if (!found) throw new RangeError(`the reference model reads no tensor ${name}`);
    return found;
  }

  /** A one-row tensor as f32[n]. */
  vector(name: string): Float32Array {
    return this.matrix(name).row(0);
  }
}

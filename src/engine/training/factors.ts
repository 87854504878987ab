// The trained factors in memory: A and B of every term one after the other in few large buffers ("banks"), so that one
// dispatch updates many; gradients and moments are banks of the same layout. Knows no GPU.
import {GemmaError} from '../../errors.ts';
import type {LowRankFactors} from '../engine.ts';
import type {TrainedTerm} from '../graph/backward.ts';
import {uniform} from '../sampling/random.ts';

/** Bindings begin at multiples of 256 bytes on every device. In f32. */
const ALIGNMENT = 64;

/** A term and the sizes of its matrix. */
export interface SizedTerm extends TrainedTerm {
  readonly nIn: number;
  readonly nOut: number;
}

/** Where a factor is. In f32. */
export interface FactorPlace {
  readonly bank: number;
  readonly first: number;
  readonly length: number;
}

export interface FactorLayout {
  readonly terms: readonly SizedTerm[];
  readonly places: ReadonlyMap<string, Readonly<Record<'a' | 'b', FactorPlace>>>;
  /** f32 values of each bank. */
  readonly banks: readonly number[];
}

/** @param maxBytes the largest bank */
export function layOutFactors(terms: readonly SizedTerm[], maxBytes: number): FactorLayout {
  const banks: number[] = [];
  const place = (length: number): FactorPlace => {
    const padded = Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    if (4 * padded > maxBytes) {
      throw new GemmaError('out-of-memory', `a factor of ${length} values fits no buffer of this GPU`, {
        detail: {bytes: 4 * padded, limit: maxBytes},
      });
    }
    if (banks.length === 0 || 4 * (banks.at(-1)! + padded) > maxBytes) banks.push(0);
    const bank = banks.length - 1;
    const first = banks[bank];
    banks[bank] += padded;
    return {bank, first, length};
  };
  const places = new Map(
    terms.map(({tensor, rank, nIn, nOut}) => [tensor, {a: place(rank * nIn), b: place(rank * nOut)}] as const),
  );
  return {terms, places, banks};
}

/** First values: A uniform within ±1 / √nIn, as PEFT's (Kaiming with a = √5); B zero. */
export function firstFactors(terms: readonly SizedTerm[], seed: number): LowRankFactors[] {
  let counter = 0;
  return terms.map(({tensor, rank, scale, nIn, nOut}) => {
    const bound = 1 / Math.sqrt(nIn);
    const a = new Float32Array(rank * nIn);
    for (let i = 0; i < a.length; i++) a[i] = bound * (2 * uniform(seed, counter++) - 1);
    return {tensor, rank, scale, a, b: new Float32Array(rank * nOut)};
  });
}

/** @throws GemmaError `option-invalid` where these are not the factors of these terms */
export function checkFactors(terms: readonly SizedTerm[], factors: readonly LowRankFactors[]): LowRankFactors[] {
  const byTensor = new Map(factors.map((one) => [one.tensor, one]));
  return terms.map(({tensor, rank, scale, nIn, nOut}) => {
    const found = byTensor.get(tensor);
    const invalid = (what: string) =>
      new GemmaError('option-invalid', `the adapter to go on from ${what}; expected the same rank, alpha and targets`, {
        detail: {option: 'from', tensor},
      });
    if (!found) throw invalid(`has no ${tensor}`);
    if (found.rank !== rank || found.a.length !== rank * nIn || found.b.length !== rank * nOut) {
      throw invalid(`has rank ${found.rank} and ${found.a.length} + ${found.b.length} values at ${tensor}`);
    }
    if (Math.fround(found.scale) !== Math.fround(scale)) throw invalid(`has scale ${found.scale} at ${tensor}`);
    return found;
  });
}

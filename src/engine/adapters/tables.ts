// What the kernels of low-rank terms read beside the factors, laid out as shaders/lib/low_rank.wgsl says: where each term
// is, and which adapters a row uses. Knows no buffer.
import structs from '../../../shaders/lib/low_rank.wgsl';
import {constantIn, structFields} from '../../gpu/wgsl.ts';

/** Adapters that one request may use. */
export const MAX_USES = constantIn(structs, 'MAX_USES');

/** See `struct Term`; places in f32. */
export interface TermRecord {
  slot: number;
  rank: number;
  column: number;
  a: number;
  b: number;
  firstOutput: number;
  nOut: number;
  scale: number;
}

const TERM_FIELDS = ['slot', 'rank', 'column', 'a', 'b', 'first_output', 'n_out', 'scale'];
if (
  structFields(structs, 'Term')
    .map(({name}) => name)
    .join() !== TERM_FIELDS.join()
) {
  throw new TypeError('struct Term is not what packTerms writes');
}

/** A `terms` buffer. */
export function packTerms(terms: readonly TermRecord[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(TERM_FIELDS.length * terms.length);
  const floats = new Float32Array(words.buffer);
  terms.forEach(({slot, rank, column, a, b, firstOutput, nOut, scale}, i) => {
    words.set([slot, rank, column, a, b, firstOutput, nOut], TERM_FIELDS.length * i);
    floats[TERM_FIELDS.length * i + 7] = scale;
  });
  return words;
}

/** An adapter that a row uses, and how much of it. */
export interface Use {
  slot: number;
  scale: number;
}

/** u32 words of a mix: how many, then slot and scale of each. */
export const MIX_WORDS = 1 + 2 * MAX_USES;

/** Writes mix `index` of a `mixes` buffer; `floats` is the same memory as `words`. */
export function packMix(words: Uint32Array, floats: Float32Array, index: number, uses: readonly Use[]): void {
  const first = MIX_WORDS * index;
  words.fill(0, first, first + MIX_WORDS);
  words[first] = uses.length;
  uses.forEach(({slot, scale}, i) => {
    words[first + 1 + 2 * i] = slot;
    floats[first + 2 + 2 * i] = scale;
  });
}

// Gemma 3's encoding, SentencePiece-style: two neighbours merge when their text is a token, the best score first.
// Knows scores and ids, not where they come from.
import {MergeEncoder} from './merge-encoder.ts';
import {NeighbourFilter} from './neighbour-filter.ts';
import {PIECE, type Pieces} from './pieces.ts';
import {NO_TOKEN, type Vocabulary} from './vocabulary.ts';

/** SentencePiece's BPE mode (Kudo and Richardson, 2018), by scores. */
export class SpmEncoder extends MergeEncoder {
  /** The place of a token's score among all scores, best first; equal scores share a place. */
  readonly #ranks: Int32Array;

  /** @param scores one a token, finite; higher merges first. */
  static *build(vocabulary: Vocabulary, scores: ArrayLike<number>, unknownId: number): Pieces<SpmEncoder> {
    const neighbours = new NeighbourFilter();
    for (let from = 0; from < vocabulary.size; from += PIECE) {
      const to = Math.min(from + PIECE, vocabulary.size);
      for (let id = from; id < to; id++) vocabulary.addNeighbours(id, neighbours);
      yield;
    }
    return new SpmEncoder(vocabulary, neighbours, yield* ranksOf(scores), unknownId);
  }

  private constructor(vocabulary: Vocabulary, neighbours: NeighbourFilter, ranks: Int32Array, unknownId: number) {
    super(vocabulary, neighbours, false, unknownId);
    this.#ranks = ranks;
  }

  /** A merge's number is the id of its result. */
  protected override findMerge(_left: number, _right: number, start: number, end: number): number {
    const id = this.vocabulary.idOfBytes(this.bytes, start, end);
    // Plain text must never become a control token.
    return id === NO_TOKEN || this.vocabulary.isMarkup(id) ? -1 : id;
  }

  protected override rankOf(merge: number): number {
    return this.#ranks[merge];
  }

  protected override resultOf(merge: number): number {
    return merge;
  }
}

/** The place of each score among the distinct ones. */
function* ranksOf(scores: ArrayLike<number>): Pieces<Int32Array> {
  // Typed arrays sort numbers without calling back: some 20 ms for a real vocabulary.
  const sorted = Float64Array.from(scores).sort();
  yield;
  let count = 0;
  for (const score of sorted) if (count === 0 || score !== sorted[count - 1]) sorted[count++] = score;
  yield;
  const ranks = new Int32Array(scores.length);
  for (let from = 0; from < ranks.length; from += PIECE) {
    const to = Math.min(from + PIECE, ranks.length);
    for (let id = from; id < to; id++) ranks[id] = count - 1 - indexOf(sorted, count, scores[id]);
    yield;
  }
  return ranks;
}

/** Where a value stands in the first `count` values, which ascend and contain it. */
function indexOf(sorted: Float64Array, count: number, value: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

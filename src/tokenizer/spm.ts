// Gemma 3's encoding, SentencePiece-style: two neighbours merge when their text is a token, the best score first.
// Knows scores and ids, not where they come from.
import {MergeEncoder} from './merge-encoder.ts';
import {NeighbourFilter} from './neighbour-filter.ts';
import {NO_TOKEN, type Vocabulary} from './vocabulary.ts';

export class SpmEncoder extends MergeEncoder {
  /** The place of a token's score among all scores, best first; equal scores share a place. */
  readonly #ranks: Int32Array;

  /** @param scores one a token, finite; higher merges first. */
  constructor(vocabulary: Vocabulary, scores: ArrayLike<number>, unknownId: number) {
    const neighbours = new NeighbourFilter();
    for (let id = 0; id < vocabulary.size; id++) {
      if (!vocabulary.isMarkup(id)) neighbours.addWithin(vocabulary.bytes(id));
    }
    super(vocabulary, neighbours, false, unknownId);
    this.#ranks = ranksOf(scores);
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

function ranksOf(scores: ArrayLike<number>): Int32Array {
  const distinct = Float64Array.from(new Set(Array.from(scores))).sort();
  const places = new Map<number, number>();
  distinct.forEach((score, i) => {
    places.set(score, distinct.length - 1 - i);
  });
  return Int32Array.from(scores, (score) => places.get(score)!);
}

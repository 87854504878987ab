// What of the adapters is in effect at each position of a sequence, and what its pages are known by. Knows no page and no
// buffer.
import {GemmaError} from '../../errors.ts';
import type {EngineAdapter, SequenceAdapter} from '../engine.ts';
import {PAGE_SIZE} from '../kv/pages.ts';
import {MAX_USES, type Use} from './tables.ts';

/** What an adapter is called on the GPU, as long as it is there. */
export interface KnownAdapter {
  readonly slot: number;
  /** Differs for all adapters that ever were, and after a change of factors. */
  readonly key: string;
}

interface Span {
  from: number;
  adapters: readonly SequenceAdapter[];
  uses: readonly Use[];
}

/** Adapters of one sequence, from position to position. */
export class SequenceAdapters {
  readonly #spans: readonly Span[];
  readonly #known: (adapter: EngineAdapter) => KnownAdapter;

  /**
   * @param known throws `closed` for an adapter that is not loaded
   * @throws GemmaError `option-invalid` for more adapters than a row can have
   */
  constructor(adapters: readonly SequenceAdapter[], known: (adapter: EngineAdapter) => KnownAdapter) {
    this.#known = known;
    const used = adapters.filter(({scale}) => scale !== 0);
    if (used.length > MAX_USES) {
      throw new GemmaError('option-invalid', `a request uses ${used.length} adapters; expected at most ${MAX_USES}`, {
        detail: {adapters: used.length, most: MAX_USES},
      });
    }
    const begins = new Set([0, ...used.map(({from = 0}) => from)]);
    this.#spans = [...begins]
      .sort((a, b) => a - b)
      .map((begin) => {
        const here = used.filter(({from = 0}) => from <= begin);
        const uses = here.map(({adapter, scale}) => ({slot: known(adapter).slot, scale}));
        return {from: begin, adapters: here, uses};
      });
  }

  /** Adapters in effect at a position; the same array for the same ones. */
  usesAt(position: number): readonly Use[] {
    return this.#spans.findLast(({from}) => from <= position)!.uses;
  }

  /** What the page of this number is known by, beside its tokens: '' where no adapter has touched it. */
  pageKey(page: number): string {
    const first = page * PAGE_SIZE;
    const inside = this.#spans.filter(({from}) => from > first && from < first + PAGE_SIZE);
    const begin = this.#spans.findLast(({from}) => from <= first)!;
    return [this.#keyOf(begin), ...inside.map((span) => `${span.from - first}:${this.#keyOf(span)}`)].join('|');
  }

  /** @throws GemmaError `closed` where one of them was unloaded */
  check(): void {
    for (const {adapter} of this.#spans.at(-1)!.adapters) this.#known(adapter);
  }

  #keyOf({adapters}: Span): string {
    return adapters.map(({adapter, scale}) => `${this.#known(adapter).key}×${scale}`).join();
  }
}

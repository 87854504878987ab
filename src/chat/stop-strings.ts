// Ends a stream of text at the first stop string, however it is cut into pieces. Knows no tokens.

export interface StopResult {
  /** Text that can be shown: no stop string begins in it. */
  text: string;
  /** The stop string that was met; nothing may be pushed after it. */
  stop: string | null;
}

/** A stop string, and for each length the longest shorter beginning of it that it also ends with (Knuth, Morris, Pratt). */
interface Pattern {
  readonly stop: string;
  readonly shorter: Int32Array;
}

/** The stop strings of one generation (Knuth, Morris and Pratt, "Fast pattern matching in strings", 1977). */
export class StopStrings {
  readonly #patterns: readonly Pattern[];
  /** By pattern: how many of its characters the text so far ends with. */
  #matched: number[];
  /** What could be the beginning of a stop string. */
  #held = '';

  /** @param stops empty ones are ignored: they would stop everything. */
  constructor(stops: readonly string[]) {
    this.#patterns = stops.filter((stop) => stop !== '').map((stop) => ({stop, shorter: shorterBeginnings(stop)}));
    this.#matched = this.#patterns.map(() => 0);
  }

  push(delta: string): StopResult {
    const text = this.#held + delta;
    const found = this.#find(delta);
    if (found) {
      const end = this.#held.length + found.end;
      this.#held = '';
      return {text: text.slice(0, end - found.stop.length), stop: found.stop};
    }
    const keep = Math.max(0, ...this.#matched);
    this.#held = text.slice(text.length - keep);
    return {text: text.slice(0, text.length - keep), stop: null};
  }

  /** Whether pushing this text would meet a stop string. Changes nothing. */
  wouldStop(text: string): boolean {
    const matched = [...this.#matched];
    const stops = this.#find(text) !== null;
    this.#matched = matched;
    return stops;
  }

  /** What was held back, when nothing more will come. */
  flush(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }

  /** The stop string that is complete first, of those the longest, and where in `delta` it ends. */
  #find(delta: string): {stop: string; end: number} | null {
    for (let i = 0; i < delta.length; i++) {
      let found: string | null = null;
      for (const [p, {stop, shorter}] of this.#patterns.entries()) {
        let length = this.#matched[p];
        while (length > 0 && stop[length] !== delta[i]) length = shorter[length];
        if (stop[length] === delta[i]) length++;
        this.#matched[p] = length;
        if (length === stop.length && stop.length > (found?.length ?? 0)) found = stop;
      }
      if (found !== null) return {stop: found, end: i + 1};
    }
    return null;
  }
}

function shorterBeginnings(stop: string): Int32Array {
  const shorter = new Int32Array(stop.length + 1);
  for (let end = 1, length = 0; end < stop.length; end++) {
    while (length > 0 && stop[length] !== stop[end]) length = shorter[length];
    if (stop[length] === stop[end]) length++;
    shorter[end + 1] = length;
  }
  return shorter;
}

// Ends a stream of text at the first stop string, however it is cut into pieces. Knows no tokens.

export interface StopResult {
  /** Text that can be shown: no stop string begins in it. */
  text: string;
  /** The stop string that was met; nothing may be pushed after it. */
  stop: string | null;
}

export class StopStrings {
  readonly #stops: readonly string[];
  /** What could be the beginning of a stop string. */
  #held = '';

  /** @param stops empty ones are ignored: they would stop everything. */
  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '');
  }

  push(delta: string): StopResult {
    const text = this.#held + delta;
    let found: {start: number; end: number; stop: string} | null = null;
    // The one that is complete first, as it would be if the text came a character at a time; of those the longest.
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      if (start < 0) continue;
      const end = start + stop.length;
      if (!found || end < found.end || (end === found.end && start < found.start)) found = {start, end, stop};
    }
    if (found) {
      this.#held = '';
      return {text: text.slice(0, found.start), stop: found.stop};
    }
    const keep = this.#longestBeginning(text);
    this.#held = text.slice(text.length - keep);
    return {text: text.slice(0, text.length - keep), stop: null};
  }

  /** What was held back, when nothing more will come. */
  flush(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }

  /** Length of the longest end of the text that some stop string begins with. */
  #longestBeginning(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}

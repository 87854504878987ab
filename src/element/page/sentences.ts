// Cuts a growing text into whole sentences, for a screen reader that should hear sentences and not tokens.
// Knows no markup and no state but how far it has read.

const SEGMENTER = new Intl.Segmenter(undefined, {granularity: 'sentence'});

export class SentenceReader {
  #read = 0;

  /** The sentences that are complete in `text` and were not handed out before. `text` only ever grows. */
  next(text: string): string[] {
    const segments = [...SEGMENTER.segment(text.slice(this.#read))];
    segments.pop(); // may still grow
    return this.#take(segments.map((segment) => segment.segment));
  }

  /** What is left of `text` once it has ended. */
  rest(text: string): string[] {
    return this.#take([text.slice(this.#read)]);
  }

  #take(parts: string[]): string[] {
    for (const part of parts) this.#read += part.length;
    return parts.map((part) => part.trim()).filter(Boolean);
  }
}

// Cuts a growing text into whole sentences, for a screen reader that should hear sentences and not tokens.
// Knows no markup and no state but how far it has read.

const SEGMENTER = new Intl.Segmenter(undefined, {granularity: 'sentence'});
/** Characters of a sentence that is read before its end has come: what is not read is looked through at every token. */
const LONG_SENTENCE = 1000;

/** The sentences of one text. */
export class SentenceReader {
  #read = 0;

  /** The sentences that are complete in `text` and were not handed out before, very long ones in parts. `text` only ever grows. */
  next(text: string): string[] {
    const sentences = Array.from(SEGMENTER.segment(text.slice(this.#read)), ({segment}) => segment);
    const growing = sentences.pop() ?? '';
    return this.#take([...sentences, ...longParts(growing)]);
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

/** Parts of LONG_SENTENCE characters, cut after a space where there is one; what is shorter may still grow. */
function longParts(sentence: string): string[] {
  const parts: string[] = [];
  for (let at = 0; sentence.length - at > LONG_SENTENCE; ) {
    const end = at + LONG_SENTENCE;
    const space = sentence.slice(at, end).lastIndexOf(' ');
    const cut = space > 0 ? at + space + 1 : end - (isFirstHalf(sentence.charCodeAt(end - 1)) ? 1 : 0);
    parts.push(sentence.slice(at, cut));
    at = cut;
  }
  return parts;
}

/** Of a character beyond the basic plane. */
const isFirstHalf = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

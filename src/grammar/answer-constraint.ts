// One answer under its grammars, as a generation follows it: thoughts are free, and so is text where only calls have a form.
// Owns which of these comes when, and the tokens that end the answer. Knows no sampling and no steps.
import type {Masks} from './masks.ts';
import {type Forced, Matcher} from './matcher.ts';
import {bounded} from './refusal.ts';
import type {Vocabulary} from './vocabulary.ts';

/** The masks of an answer's grammars. See `AnswerGrammars`. */
export interface AnswerMasks {
  readonly whole: Masks | null;
  readonly call: Masks | null;
}

/** Whether the answer begins in a thought that the prompt has opened, or may begin with one. */
export type Thoughts = 'open' | 'may' | 'none';

/** Follows one answer. */
export class AnswerConstraint {
  readonly #vocabulary: Vocabulary;
  readonly #masks: AnswerMasks;
  /** Null where text is free. */
  #matcher: Matcher | null;
  #isThought: boolean;
  /** The next token may open a thought. */
  #mayThink: boolean;
  /** What is allowed now. */
  #mask: Uint32Array | null = null;
  readonly #own: Uint32Array;

  constructor(vocabulary: Vocabulary, masks: AnswerMasks, thoughts: Thoughts) {
    this.#vocabulary = vocabulary;
    this.#masks = masks;
    this.#matcher = masks.whole && new Matcher(masks.whole, vocabulary.trie);
    this.#isThought = thoughts === 'open';
    this.#mayThink = thoughts === 'may' && vocabulary.tags.thought !== null;
    this.#own = new Uint32Array(Math.ceil(vocabulary.trie.vocabSize / 32));
  }

  /** Nothing can follow: the answer is at its end. */
  get complete(): boolean {
    return !this.#isThought && this.#masks.whole !== null && this.#matcher!.mustEnd;
  }

  /** See `TokenConstraint` (src/chat/token-constraint.ts). */
  allowed(): Uint32Array | null {
    if (this.#isThought || !this.#matcher) return null;
    const matcher = this.#matcher;
    this.#mask ??= bounded(() => this.#makeMask(matcher));
    return this.#mask;
  }

  /** @throws GemmaError `grammar-invalid` */
  accept(id: number): void {
    this.#mask = null;
    const {thought, call} = this.#vocabulary.tags;
    if (this.#isThought) {
      this.#isThought = id !== thought?.close;
      return;
    }
    const mayThink = this.#mayThink;
    this.#mayThink = false;
    if (mayThink && id === thought?.open) {
      this.#isThought = true;
      return;
    }
    if (this.#matcher) {
      this.#matcher.accept(id);
      if (!this.#masks.whole && this.#matcher.mustEnd) this.#matcher = null;
    } else if (this.#masks.call && id === call?.open) {
      this.#matcher = new Matcher(this.#masks.call, this.#vocabulary.trie);
    }
  }

  /** Token ids that must come next. */
  forced(): number[] {
    if (this.#isThought || this.#mayThink || !this.#matcher) return [];
    return this.#tokensOf(this.#matcher.forced());
  }

  #makeMask(matcher: Matcher): Uint32Array {
    const mask = matcher.mask();
    const {stops, tags} = this.#vocabulary;
    const more = [...(matcher.mayEnd ? stops : []), ...(this.#mayThink && tags.thought ? [tags.thought.open] : [])];
    if (more.length === 0) return mask;
    this.#own.set(mask);
    for (const id of more) this.#own[id >> 5] |= 1 << (id & 31);
    return this.#own;
  }

  /** As the tokenizer would write it. A last token that could be a longer one is left to the model. */
  #tokensOf({parts, open}: Forced): number[] {
    const ids: number[] = [];
    for (const [i, part] of parts.entries()) {
      if (typeof part === 'number') {
        ids.push(part);
        continue;
      }
      const text = this.#encode(part);
      const isLast = i === parts.length - 1;
      if (text === null) break;
      ids.push(...(isLast && open ? text.slice(0, -1) : text));
    }
    return ids;
  }

  /** Null where the tokenizer's tokens are not these bytes: half a character at the end, or a normalised text. */
  #encode(bytes: Uint8Array): number[] | null {
    const {source, trie} = this.#vocabulary;
    const ids = source.encode(new TextDecoder().decode(bytes), {addBos: false});
    let at = 0;
    for (const id of ids) {
      const own = trie.bytesOf(id);
      if (own.length === 0 || own.some((byte, i) => byte !== bytes[at + i])) return null;
      at += own.length;
    }
    return at === bytes.length ? ids : null;
  }
}

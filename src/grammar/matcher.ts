// One answer under a grammar: which tokens may come next, which bytes must, and whether it may end. Knows no sampling.
import {type Automaton, DEAD, type State, type Threads} from './automaton.ts';
import type {Mask, Masks} from './masks.ts';
import {refuse} from './refusal.ts';
import {CONTROL_MARK, type TokenTrie} from './token-trie.ts';

/** Bytes that are looked ahead for what must come. */
const MAX_FORCED = 512;

/** What must come next. */
export interface Forced {
  /** Texts in UTF-8, and control tokens. */
  readonly parts: readonly (Uint8Array | number)[];
  /** Whether the last part is a text that may go on: its last token may then be a longer one. */
  readonly open: boolean;
}

/** Follows an answer, token by token. Several may follow one grammar. */
export class Matcher {
  readonly #automaton: Automaton;
  readonly #masks: Masks;
  readonly #trie: TokenTrie;
  #state: State;
  #threads: Threads;
  #generation: number;

  constructor(masks: Masks, trie: TokenTrie) {
    this.#masks = masks;
    this.#automaton = masks.automaton;
    this.#trie = trie;
    this.#state = this.#automaton.start();
    this.#threads = this.#automaton.threadsOf(this.#state);
    this.#generation = this.#automaton.generation;
  }

  /** Whether the answer may end here. */
  get mayEnd(): boolean {
    return this.#threads.accepts;
  }

  /** Whether nothing can follow. */
  get mustEnd(): boolean {
    if (this.#threads.threads.length === 0) return true;
    // An intersection may be at its end without being told apart from one that goes on.
    return this.#threads.accepts && this.#automaton.row(this.#now()).every((next) => next === DEAD);
  }

  /** Tokens that may come next: a bit a token, not to be written to. */
  mask(): Mask {
    return this.#masks.mask(this.#now());
  }

  /**
   * Takes a token.
   * @throws GemmaError `grammar-invalid` for one that may not come here
   */
  accept(id: number): void {
    this.#automaton.trim();
    const next = this.#walk(this.#now(), this.#trie.bytesOf(id));
    if (next === DEAD) throw refuse(`token ${id} cannot come here`);
    this.#state = next;
    this.#threads = this.#automaton.threadsOf(next);
  }

  /** Whether a token may come next. */
  allows(id: number): boolean {
    return this.#walk(this.#now(), this.#trie.bytesOf(id)) !== DEAD;
  }

  /** What must come next: up to the first choice, or to where the answer may end. */
  forced(): Forced {
    const parts: (Uint8Array | number)[] = [];
    let bytes: number[] = [];
    const endText = (): void => {
      if (bytes.length > 0) parts.push(Uint8Array.from(bytes));
      bytes = [];
    };
    let state = this.#now();
    let open = true;
    for (let length = 0; length < MAX_FORCED; length++) {
      if (this.#automaton.accepts(state)) {
        open = this.#automaton.threadsOf(state).threads.length > 0;
        break;
      }
      const byte = this.#onlyByte(state);
      if (byte === CONTROL_MARK) {
        const control = this.#onlyControl(state);
        // Whatever control token comes, no text goes on before it.
        open = false;
        if (!control) break;
        endText();
        parts.push(control.id);
        state = control.next;
        open = true;
        continue;
      }
      if (byte < 0) break;
      bytes.push(byte);
      state = this.#automaton.row(state)[byte];
    }
    if (bytes.length === 0) open = false;
    endText();
    return {parts, open};
  }

  /** The one byte that can follow, or −1. */
  #onlyByte(state: State): number {
    const row = this.#automaton.row(state);
    const byte = row.findIndex((next) => next !== DEAD);
    return row.findLastIndex((next) => next !== DEAD) === byte ? byte : -1;
  }

  /** The one control token that can follow. */
  #onlyControl(state: State): {id: number; next: State} | null {
    let next = this.#automaton.row(state)[CONTROL_MARK];
    let id = 0;
    for (let i = 0; i < 3; i++) {
      const byte = this.#onlyByte(next);
      if (byte < 0) return null;
      id = id * 256 + byte;
      next = this.#automaton.row(next)[byte];
    }
    return {id, next};
  }

  #walk(from: State, bytes: Uint8Array): State {
    let state = bytes.length > 0 ? from : DEAD;
    for (let i = 0; i < bytes.length && state !== DEAD; i++) state = this.#automaton.row(state)[bytes[i]];
    return state;
  }

  /** The state, made again where states were forgotten. */
  #now(): State {
    if (this.#generation !== this.#automaton.generation) {
      this.#generation = this.#automaton.generation;
      this.#state = this.#automaton.stateOf(this.#threads);
    }
    return this.#state;
  }
}

// One answer under a grammar: which tokens may come next, which bytes must, and whether it may end. Knows no sampling.
import {type Automaton, DEAD, type State, type Threads} from './automaton.ts';
import type {Mask, Masks} from './masks.ts';
import {refuse} from './refusal.ts';
import {CONTROL_MARK, type TokenTrie} from './token-trie.ts';

/** Bytes that are looked ahead for what must come. */
const MAX_FORCED = 512;

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
    return this.#threads.threads.length === 0;
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

  /** The text that must come next, in UTF-8: up to the first byte that is open, or up to where the answer may end. */
  forced(): Uint8Array {
    const bytes: number[] = [];
    let state = this.#now();
    while (bytes.length < MAX_FORCED && !this.#automaton.accepts(state)) {
      const row = this.#automaton.row(state);
      const byte = row.findIndex((next) => next !== DEAD);
      if (byte < 0 || byte === CONTROL_MARK || row.findLastIndex((next) => next !== DEAD) !== byte) break;
      bytes.push(byte);
      state = row[byte];
    }
    return Uint8Array.from(bytes);
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

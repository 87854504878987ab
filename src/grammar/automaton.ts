// A grammar as an automaton over bytes with a stack, made as far as it is walked. A thread is a place in a lexeme, in a rule,
// on a stack of places to return to; a state is the set of threads that a text leaves open. Knows no tokens.
import type {Grammar} from './grammar.ts';
import {tooLarge} from './refusal.ts';
import {addBits, EMPTY, NEVER, type Regex} from './regexes.ts';

/** A set of threads: an index. */
export type State = number;

/** From here no text can be completed. */
export const DEAD: State = 0;
/** The empty stack. */
export const BOTTOM = 0;

/** States that are kept between tokens, and how many one token may make. */
const MAX_STATES = 4096;
const MAX_STATES_AT_ONCE = 60_000;
/** Threads of a state, and stacks of an answer. */
const MAX_THREADS = 8192;
const MAX_STACKS = 2 ** 22;
const PAIR = 2 ** 24;

/** Part of a thread: what is left of a lexeme, and the node after it. */
export interface Position {
  readonly regex: Regex;
  readonly to: number;
}

/** The threads of a state. */
export interface Threads {
  /** Pairs of position and stack, as numbers. */
  readonly threads: readonly number[];
  /** Whether the text may end here. */
  readonly accepts: boolean;
}

/** States and their transitions. One a grammar; several generations share it. */
export class Automaton {
  readonly grammar: Grammar;
  readonly #positions: Position[] = [];
  readonly #positionIds = new Map<number, number>();
  /** A stack is a node to return to, and the stack below. */
  readonly #returns: number[] = [-1];
  readonly #below: number[] = [BOTTOM];
  readonly #stackIds = new Map<number, number>();
  #states: Threads[] = [];
  /** By state, as far as they are made. For those who walk: see `row`. */
  readonly rows: (Int32Array | null)[] = [];
  /** By state. */
  readonly accepting: boolean[] = [];
  #stateIds = new Map<string, State>();
  #generation = 0;
  readonly #trivialEnd: boolean[];

  constructor(grammar: Grammar) {
    this.grammar = grammar;
    this.#trivialEnd = grammar.nodes.map(
      ({lexemes, calls, empty, end}) => end && lexemes.length + calls.length + empty.length === 0,
    );
    this.#clear();
  }

  /** Counts up when states are forgotten. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether so much has been derived that it is better to begin anew. */
  get isWorn(): boolean {
    return this.grammar.regexes.isWorn || this.#returns.length > MAX_STACKS / 2;
  }

  start(): State {
    return this.entered(this.grammar.rules[0], BOTTOM);
  }

  /** A state where one is at the beginning of `node` on `stack`. */
  entered(node: number, stack: number): State {
    const found = new Closure(this);
    found.enter(node, stack);
    return this.#intern(found);
  }

  /** A state with one thread, on the empty stack. */
  alone(position: number): State {
    const found = new Closure(this);
    const {regex, to} = this.#positions[position];
    if (regex !== EMPTY) found.add(position, BOTTOM);
    if (this.grammar.regexes.nullable(regex)) found.enter(to, BOTTOM);
    return this.#intern(found);
  }

  /** What comes after the top of a stack is left. */
  returned(stack: number): State {
    return this.entered(this.#returns[stack], this.#below[stack]);
  }

  accepts(state: State): boolean {
    return this.accepting[state];
  }

  /** Calls back with position and stack of each thread. */
  forThreads(state: State, each: (position: number, stack: number) => void): void {
    for (const thread of this.#states[state].threads) each(Math.floor(thread / PAIR), thread % PAIR);
  }

  position(id: number): Position {
    return this.#positions[id];
  }

  positionOf(regex: Regex, to: number): number {
    const key = regex * PAIR + to;
    let id = this.#positionIds.get(key);
    if (id === undefined) {
      id = this.#positions.push({regex, to}) - 1;
      this.#positionIds.set(key, id);
    }
    return id;
  }

  /** i32[256]: the state after each byte, DEAD where the byte is not allowed. */
  row(state: State): Int32Array {
    const made = this.rows[state];
    if (made) return made;
    const row = this.#makeRow(this.#states[state].threads);
    this.rows[state] = row;
    return row;
  }

  #makeRow(threads: readonly number[]): Int32Array {
    const row = new Int32Array(256);
    const {regexes} = this.grammar;
    const borders = new Uint32Array(8);
    for (const thread of threads) addBits(borders, regexes.borders(this.#positions[Math.floor(thread / PAIR)].regex));
    let to: State = DEAD;
    for (let byte = 0; byte < 256; byte++) {
      if (byte === 0 || (borders[byte >> 5] >>> (byte & 31)) & 1) to = this.#after(threads, byte);
      row[byte] = to;
    }
    return row;
  }

  #after(threads: readonly number[], byte: number): State {
    const {regexes} = this.grammar;
    let found: Closure | null = null;
    for (const thread of threads) {
      const {regex, to} = this.#positions[Math.floor(thread / PAIR)];
      const rest = regexes.derive(regex, byte);
      if (rest === NEVER || !regexes.alive(rest)) continue;
      found ??= new Closure(this);
      const stack = thread % PAIR;
      if (rest !== EMPTY) found.add(this.positionOf(rest, to), stack);
      if (regexes.nullable(rest)) found.enter(to, stack);
    }
    return found ? this.#intern(found) : DEAD;
  }

  /** The stack with a node to return to; the same stack where nothing comes after it in its rule. */
  pushed(node: number, stack: number): number {
    if (this.#trivialEnd[node]) return stack;
    const key = node * PAIR + stack;
    let id = this.#stackIds.get(key);
    if (id === undefined) {
      if (this.#returns.length >= MAX_STACKS) throw tooLarge('levels', MAX_STACKS);
      id = this.#returns.push(node) - 1;
      this.#below.push(stack);
      this.#stackIds.set(key, id);
    }
    return id;
  }

  top(stack: number): {node: number; below: number} {
    return {node: this.#returns[stack], below: this.#below[stack]};
  }

  #intern({threads, accepts}: Closure): State {
    const list = [...threads].sort((a, b) => a - b);
    const key = (accepts ? 'e' : '') + list.join();
    const known = this.#stateIds.get(key);
    if (known !== undefined) return known;
    if (this.#states.length >= MAX_STATES_AT_ONCE) throw tooLarge('states', MAX_STATES_AT_ONCE);
    const id = this.#states.push({threads: list, accepts}) - 1;
    this.rows.push(null);
    this.accepting.push(accepts);
    this.#stateIds.set(key, id);
    return id;
  }

  /** What stays valid when states are forgotten. */
  threadsOf(state: State): Threads {
    return this.#states[state];
  }

  /** The state of threads that were a state's. */
  stateOf({threads, accepts}: Threads): State {
    const closure = new Closure(this);
    for (const thread of threads) closure.threads.add(thread);
    closure.accepts = accepts;
    return this.#intern(closure);
  }

  /** Forgets all states where there are many: `generation` then counts up. Between two tokens only. */
  trim(): void {
    if (this.#states.length >= MAX_STATES) this.#clear();
  }

  #clear(): void {
    this.#generation++;
    this.#states = [{threads: [], accepts: false}];
    this.rows.splice(0, this.rows.length, new Int32Array(256));
    this.accepting.splice(0, this.accepting.length, false);
    this.#stateIds = new Map([['', DEAD]]);
  }
}

/** Collects the threads of a state. */
class Closure {
  readonly threads = new Set<number>();
  accepts = false;
  readonly #automaton: Automaton;
  readonly #entered = new Set<number>();

  constructor(automaton: Automaton) {
    this.#automaton = automaton;
  }

  add(position: number, stack: number): void {
    this.threads.add(position * PAIR + stack);
    if (this.threads.size > MAX_THREADS) throw tooLarge('alternatives at one place', MAX_THREADS);
  }

  /** All that may begin at a node. */
  enter(node: number, stack: number): void {
    const {grammar} = this.#automaton;
    const open = [node, stack];
    const visit = (to: number, on: number): void => {
      const key = to * PAIR + on;
      if (this.#entered.has(key)) return;
      this.#entered.add(key);
      open.push(to, on);
    };
    this.#entered.add(node * PAIR + stack);
    while (open.length > 0) {
      const on = open.pop()!;
      const {lexemes, calls, empty, end} = grammar.nodes[open.pop()!];
      for (const {regex, to} of lexemes) {
        this.add(this.#automaton.positionOf(regex, to), on);
        if (grammar.regexes.nullable(regex)) visit(to, on);
      }
      for (const to of empty) visit(to, on);
      for (const {rule, to} of calls) visit(grammar.rules[rule], this.#automaton.pushed(to, on));
      if (!end) continue;
      if (on === BOTTOM) this.accepts = true;
      else {
        const {node: back, below} = this.#automaton.top(on);
        visit(back, below);
      }
    }
  }
}

// Which tokens a text may go on with. A thread's tokens are looked for without its stack and remembered; only where a token
// leaves the rule that the thread is in does the stack count. Knows no generation.
//
// Runs of one character after another, as in a string, would have a walk visit the whole tree at each place. Their tokens
// are looked up instead in a table by character class: how many characters each token has, and where tokens leave the run.
import type {Automaton, State} from './automaton.ts';
import {BOTTOM, DEAD} from './automaton.ts';
import {EMPTY, type Loop, NEVER, type Regex, type Regexes} from './regexes.ts';
import type {TokenTrie} from './token-trie.ts';

/** A bit a token. */
export type Mask = Uint32Array;

/** More tokens than this are kept as a mask, fewer as a list. */
const MAX_LISTED = 2048;
/** Masks of states, and tokens of threads, that are remembered: 32 KiB each at 262,144 tokens. */
const MAX_MASKS = 64;
const MAX_LOCALS = 256;
/** Classes of characters that share a table: with fewer first bytes, a walk is as fast. */
const MIN_FIRST_BYTES = 16;
/** Parts of a union that are looked at one by one. */
const MAX_PARTS = 16;
/** Node of the tree at which a run cannot go on, and most characters that are counted. */
const NOT_IN_RUN = 255;
const MAX_COUNT = 254;
/** Tables of a vocabulary, and bytes whose exits are looked for before an answer begins. */
const MAX_TABLES = 16;
const MAX_PREPARED_EXITS = 4;
/** Bytes at the beginning of a lexeme that are looked beyond. */
const MAX_FIXED = 64;
/** Nodes of the tree between two yields. */
const PIECE = 65_536;
/** Longest time that is given to what tokens may begin each lexeme, before an answer begins. */
const MAX_PREPARE_MS = 250;

/** What one thread allows, whatever its stack is. */
interface Local {
  /** Tokens: all of them, or those of `mask` and a few more. */
  readonly tokens: Int32Array;
  readonly mask: Mask | null;
  /** Nodes of the tree, with more below them, at which the rule may have ended. */
  readonly exits: Int32Array;
}

/** The runs of one class of characters. */
interface RunTable {
  /** Tokens that are within a run, by their count of characters, and where each count begins. */
  readonly tokens: Int32Array;
  readonly starts: Uint32Array;
  readonly mask: Mask;
  /** u8: by node, how many whole characters it has, or NOT_IN_RUN. */
  readonly counts: Uint8Array;
  /** By byte: pairs of a node that it leads to after whole characters, and how many these are. */
  readonly exits: Map<number, Int32Array>;
  /** Characters of the token with most of them. */
  readonly longest: number;
}

/** Tables of a vocabulary. Those of JSON's own classes serve all grammars. */
export class RunTables {
  readonly trie: TokenTrie;
  readonly #tables = new Map<string, RunTable>();

  constructor(trie: TokenTrie) {
    this.trie = trie;
  }

  /** The table of a class, by a key that says the same in every grammar. */
  table(regexes: Regexes, element: Regex): RunTable {
    const making = this.make(regexes, element);
    for (;;) {
      const {done, value} = making.next();
      if (done) return value;
    }
  }

  /** The same in pieces. */
  *make(regexes: Regexes, element: Regex): Generator<void, RunTable, void> {
    const key = regexes.describe(element);
    const known = this.#tables.get(key);
    if (known) return known;
    const table = yield* buildTable(this.trie, regexes, element);
    if (this.#tables.size >= MAX_TABLES) this.#tables.delete(this.#tables.keys().next().value!);
    this.#tables.set(key, table);
    return table;
  }

  /** Looks for the exits of few bytes. */
  *prepareExits(table: RunTable, bytes: readonly number[]): Generator<void, void, void> {
    if (bytes.length > MAX_PREPARED_EXITS) return;
    for (const byte of bytes) {
      if (table.exits.has(byte)) continue;
      this.exits(table, byte);
      yield;
    }
  }

  /** Pairs of a node that `byte` leads to after whole characters of the class, and how many these are. */
  exits(table: RunTable, byte: number): Int32Array {
    let exits = table.exits.get(byte);
    if (!exits) {
      exits = findExits(this.trie, table.counts, byte);
      table.exits.set(byte, exits);
    }
    return exits;
  }
}

/** Masks of one grammar over one vocabulary. */
export class Masks {
  readonly automaton: Automaton;
  readonly #trie: TokenTrie;
  readonly #runs: RunTables;
  readonly #words: number;
  readonly #locals = new Map<number, Local>();
  readonly #masks = new Map<State, Mask>();
  /** By class of characters; null where a walk is as fast as a table. */
  readonly #tables = new Map<Regex, RunTable | null>();
  #generation = 0;
  /** Rows of the states on the way to a node, by depth. */
  readonly #path: Int32Array[];

  constructor(automaton: Automaton, runs: RunTables) {
    this.automaton = automaton;
    this.#runs = runs;
    this.#trie = runs.trie;
    this.#words = Math.ceil(runs.trie.vocabSize / 32);
    this.#path = new Array<Int32Array>(runs.trie.maxDepth + 1);
  }

  /** The tokens that may follow in a state: u32[vocabSize / 32], not to be written to. */
  mask(state: State): Mask {
    if (this.#generation !== this.automaton.generation) this.#masks.clear();
    this.#generation = this.automaton.generation;
    const known = this.#masks.get(state);
    if (known) {
      this.#masks.delete(state);
      this.#masks.set(state, known);
      return known;
    }
    // The oldest one's memory serves again.
    let mask: Mask;
    if (this.#masks.size >= MAX_MASKS) {
      const [oldest, memory] = this.#masks.entries().next().value!;
      this.#masks.delete(oldest);
      mask = memory.fill(0);
    } else mask = new Uint32Array(this.#words);
    this.#fill(state, mask);
    this.#masks.set(state, mask);
    return mask;
  }

  /** Looks for what many tokens may follow, so that it is known when it is needed. */
  *prepare(): Generator<void, void, void> {
    const {nodes, regexes} = this.automaton.grammar;
    const began = performance.now();
    const isLate = (): boolean => performance.now() - began > MAX_PREPARE_MS;
    for (const {element, rest} of [...regexes.loops()]) {
      if (this.#tables.get(element) === undefined && isWide(regexes, element)) yield* this.#runs.make(regexes, element);
      const table = this.#table(element);
      if (table) yield* this.#runs.prepareExits(table, firstBytes(regexes, rest));
      if (isLate()) return;
    }
    for (const {lexemes} of nodes) {
      for (const {regex, to} of lexemes) {
        this.#local(this.automaton.positionOf(regex, to));
        yield;
        const after = pastFixedBytes(regexes, regex);
        if (after !== regex) this.#local(this.automaton.positionOf(after, to));
        yield;
        if (isLate() || this.#locals.size > MAX_LOCALS / 2) return;
      }
    }
  }

  #fill(state: State, mask: Mask): void {
    const exits = new Map<number, Int32Array[]>();
    this.automaton.forThreads(state, (position, stack) => {
      const local = this.#local(position);
      if (local.mask) addMask(mask, local.mask);
      for (const token of local.tokens) mask[token >> 5] |= 1 << (token & 31);
      if (stack === BOTTOM || local.exits.length === 0) return;
      const others = exits.get(stack);
      if (!others) exits.set(stack, [local.exits]);
      else if (!others.includes(local.exits)) others.push(local.exits);
    });
    for (const [stack, lists] of exits) {
      const after = this.automaton.returned(stack);
      const found = new Found(this.#trie, mask);
      for (const list of lists) for (const node of list) this.#walkBelow(node, after, found);
    }
  }

  #local(position: number): Local {
    const {regex, to} = this.automaton.position(position);
    const {regexes} = this.automaton.grammar;
    const loop = regexes.loop(regex);
    const table = loop && this.#table(loop.element);
    if (loop && table) {
      // Counts beyond the longest token make no difference.
      const low = Math.min(loop.low, table.longest + 1);
      const high = loop.high > table.longest ? Number.POSITIVE_INFINITY : loop.high;
      if (low !== loop.low || high !== loop.high) {
        const clamped = regexes.cat(regexes.repeat(loop.element, low, high), loop.rest);
        return this.#local(this.automaton.positionOf(clamped, to));
      }
    }
    const known = this.#locals.get(position);
    if (known) {
      this.#locals.delete(position);
      this.#locals.set(position, known);
      return known;
    }
    const local = this.#find(position, loop, table);
    if (this.#locals.size >= MAX_LOCALS) this.#locals.delete(this.#locals.keys().next().value!);
    this.#locals.set(position, local);
    return local;
  }

  #table(element: Regex): RunTable | null {
    let table = this.#tables.get(element);
    if (table === undefined) {
      const {regexes} = this.automaton.grammar;
      table = isWide(regexes, element) ? this.#runs.table(regexes, element) : null;
      this.#tables.set(element, table);
    }
    return table;
  }

  #find(position: number, loop: Loop | null, table: RunTable | null): Local {
    const {regex, to} = this.automaton.position(position);
    const {regexes} = this.automaton.grammar;
    const found = new Found(this.#trie, null);
    const parts = regexes.alternatives(regex, MAX_PARTS) ?? [regex];
    const difference = regexes.difference(regex);
    if (loop && table && this.#addRun(loop, table, to, found)) return found.finish();
    if (parts.some((part) => part !== regex && regexes.loop(part))) {
      for (const part of parts) found.addLocal(this.#local(this.automaton.positionOf(part, to)));
    } else if (difference && regexes.loop(difference.kept)) {
      this.#addDifference(position, difference.kept, difference.leftOut, found);
    } else {
      const start = this.automaton.alone(position);
      this.#walk(0, this.#trie.size, 0, start, found);
    }
    return found.finish();
  }

  /** The tokens of a run, and those that leave it. False where a walk has to tell. */
  #addRun({low, high, rest}: Loop, table: RunTable, to: number, found: Found): boolean {
    const {automaton} = this;
    const after = automaton.alone(automaton.positionOf(rest, to));
    // Where the run's end is nothing at all, tokens may leave it anywhere.
    if (automaton.accepts(after)) return false;
    const row = automaton.row(after);
    found.addRun(table, high);
    for (let byte = 0; byte < 256; byte++) {
      if (row[byte] === DEAD) continue;
      const exits = this.#runs.exits(table, byte);
      for (let i = 0; i < exits.length; i += 2) {
        if (exits[i + 1] < low || exits[i + 1] > high) continue;
        found.visit(exits[i], this.automaton.accepts(row[byte]));
        this.#walkBelow(exits[i], row[byte], found);
      }
    }
    return true;
  }

  /** Few strings are left out of many: only tokens on the way to one of these differ from those of the many. */
  #addDifference(position: number, kept: Regex, leftOut: Regex, found: Found): void {
    const {automaton} = this;
    const {regexes} = automaton.grammar;
    const {bytes, depths, skips, size} = this.#trie;
    found.addLocal(this.#local(automaton.positionOf(kept, automaton.position(position).to)));
    const ways: Regex[] = [leftOut];
    const states: State[] = [automaton.alone(position)];
    const removed = new Set<number>();
    for (let node = 0; node < size; ) {
      const depth = depths[node];
      const way = regexes.derive(ways[depth - 1], bytes[node]);
      if (way === NEVER) {
        node = skips[node];
        continue;
      }
      ways[depth] = way;
      states[depth] = automaton.row(states[depth - 1])[bytes[node]];
      if (!automaton.accepts(states[depth])) removed.add(node);
      if (states[depth] === DEAD) {
        found.remove(node, skips[node], removed);
        node = skips[node];
      } else node++;
    }
    found.exits = found.exits.filter((node) => !removed.has(node));
  }

  /** Visits the nodes below one that was reached in a state. */
  #walkBelow(node: number, state: State, found: Found): void {
    this.#walk(node + 1, this.#trie.skips[node], this.#trie.depths[node], state, found);
  }

  /** Visits the nodes from `start` to `end` that can be reached from a state at their common depth. */
  #walk(start: number, end: number, depth: number, state: State, found: Found): void {
    const {bytes, depths, skips, tokens} = this.#trie;
    const {automaton} = this;
    const {rows, accepting} = automaton;
    const path = this.#path;
    path[depth] = automaton.row(state);
    for (let node = start; node < end; ) {
      const at = depths[node];
      const next = path[at - 1][bytes[node]];
      if (next === DEAD) {
        node = skips[node];
        continue;
      }
      const token = tokens[node];
      if (token >= 0) found.add(token);
      const after = node + 1;
      if (skips[node] > after) {
        if (accepting[next]) found.exits.push(node);
        path[at] = rows[next] ?? automaton.row(next);
      }
      node = after;
    }
  }
}

/** What is being found. */
class Found {
  exits: number[] = [];
  readonly #trie: TokenTrie;
  #tokens: number[] = [];
  #mask: Mask | null;
  /** Nothing has been put into the mask. */
  #isNew = true;

  /** @param mask where tokens are put; null to begin with a list */
  constructor(trie: TokenTrie, mask: Mask | null) {
    this.#trie = trie;
    this.#mask = mask;
  }

  /** A node was reached; where the rule may end there, tokens below it may leave the rule. */
  visit(node: number, accepts: boolean): void {
    const token = this.#trie.tokens[node];
    if (token >= 0) this.add(token);
    if (accepts && this.#trie.skips[node] > node + 1) this.exits.push(node);
  }

  addLocal({tokens, mask, exits}: Local): void {
    if (mask) addMask(this.#asMask(), mask);
    this.#isNew &&= !mask;
    for (const token of tokens) this.#put(token);
    for (const exit of exits) this.exits.push(exit);
  }

  /** Tokens within a run of at most `high` characters. */
  addRun({tokens, starts, mask, longest}: RunTable, high: number): void {
    const own = this.#asMask();
    const end = high >= longest ? tokens.length : starts[high + 1];
    // A new mask begins as a copy; the longer tokens are taken out.
    if (this.#isNew && 2 * end > tokens.length) {
      own.set(mask);
      for (let i = end; i < tokens.length; i++) own[tokens[i] >> 5] &= ~(1 << (tokens[i] & 31));
    } else for (let i = 0; i < end; i++) own[tokens[i] >> 5] |= 1 << (tokens[i] & 31);
    this.#isNew = false;
  }

  /** Takes out the tokens of these nodes, and these from the exits. */
  remove(from: number, to: number, exits: Set<number>): void {
    const mask = this.#asMask();
    for (let node = from; node < to; node++) {
      exits.add(node);
      for (let id = this.#trie.tokens[node]; id >= 0; id = this.#trie.twins[id]) mask[id >> 5] &= ~(1 << (id & 31));
    }
  }

  finish(): Local {
    return {tokens: Int32Array.from(this.#tokens), mask: this.#mask, exits: Int32Array.from(this.exits)};
  }

  /** A token, and those of the same bytes. */
  add(token: number): void {
    for (let id = token; id >= 0; id = this.#trie.twins[id]) this.#put(id);
  }

  #put(id: number): void {
    this.#isNew = false;
    if (this.#mask) this.#mask[id >> 5] |= 1 << (id & 31);
    else if (this.#tokens.push(id) > MAX_LISTED) this.#asMask();
  }

  #asMask(): Mask {
    if (!this.#mask) {
      this.#mask = new Uint32Array(Math.ceil(this.#trie.vocabSize / 32));
      for (const id of this.#tokens) this.#mask[id >> 5] |= 1 << (id & 31);
      this.#tokens = [];
    }
    return this.#mask;
  }
}

function addMask(mask: Mask, more: Mask): void {
  for (let i = 0; i < mask.length; i++) mask[i] |= more[i];
}

/** Whether a walk over the runs of a class would visit much of the tree. */
function isWide(regexes: Regexes, element: Regex): boolean {
  let first = 0;
  for (let byte = 0; byte < 256; byte++) if (regexes.derive(element, byte) !== NEVER) first++;
  return first >= MIN_FIRST_BYTES;
}

/** Bytes that a string may begin with. */
function firstBytes(regexes: Regexes, regex: Regex): number[] {
  return Array.from({length: 256}, (_, byte) => byte).filter((byte) => regexes.derive(regex, byte) !== NEVER);
}

/** What is left after the bytes that every string begins with: as a quote. */
function pastFixedBytes(regexes: Regexes, regex: Regex): Regex {
  let rest = regex;
  for (let i = 0; i < MAX_FIXED && !regexes.nullable(rest); i++) {
    const bytes = firstBytes(regexes, rest);
    if (bytes.length !== 1) return rest;
    rest = regexes.derive(rest, bytes[0]);
  }
  return rest === EMPTY ? regex : rest;
}

function* buildTable(trie: TokenTrie, regexes: Regexes, element: Regex): Generator<void, RunTable, void> {
  const {bytes, depths, skips, size, vocabSize, twins} = trie;
  const run = regexes.repeat(element, 0, Number.POSITIVE_INFINITY);
  const rows = new Map<Regex, Int32Array>();
  const rowOf = (state: Regex): Int32Array => {
    let row = rows.get(state);
    if (!row) {
      row = Int32Array.from({length: 256}, (_, byte) => regexes.derive(state, byte));
      rows.set(state, row);
    }
    return row;
  };
  const counts = new Uint8Array(size).fill(NOT_IN_RUN);
  // On the way to a node, by depth: row and expression, and how many characters have begun.
  const row: Int32Array[] = [rowOf(run)];
  const at: Regex[] = [run];
  const begun = new Uint16Array(trie.maxDepth + 1);
  const found: number[] = [];
  const foundCounts: number[] = [];
  let longest = 0;
  let visited = 0;
  for (let node = 0; node < size; ) {
    if (++visited % PIECE === 0) yield;
    const depth = depths[node];
    const before = depth - 1;
    const state = row[before][bytes[node]];
    if (state === NEVER || begun[before] > MAX_COUNT) {
      node = skips[node];
      continue;
    }
    // A token that ends within a character has begun it.
    const count = at[before] === run ? begun[before] + 1 : begun[before];
    row[depth] = at[before] === state ? row[before] : rowOf(state);
    at[depth] = state;
    begun[depth] = count;
    if (state === run && count <= MAX_COUNT) counts[node] = count;
    for (let id = trie.tokens[node]; id >= 0; id = twins[id]) {
      found.push(id);
      foundCounts.push(count);
      if (count > longest) longest = count;
    }
    node++;
  }
  // By count: each has its stretch.
  const starts = new Uint32Array(longest + 2);
  for (const count of foundCounts) starts[count + 1]++;
  for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
  const tokens = new Int32Array(found.length);
  const next = starts.slice();
  for (let i = 0; i < found.length; i++) tokens[next[foundCounts[i]]++] = found[i];
  const mask = new Uint32Array(Math.ceil(vocabSize / 32));
  for (const id of tokens) mask[id >> 5] |= 1 << (id & 31);
  return {tokens, starts, mask, counts, exits: new Map(), longest};
}

/** Pairs of a node that `byte` leads to after whole characters, and how many these are; the root is none. */
function findExits({bytes, depths, size}: TokenTrie, counts: Uint8Array, byte: number): Int32Array {
  const found: number[] = [];
  const path = new Uint8Array(256);
  for (let node = 0; node < size; node++) {
    const depth = depths[node];
    const count = depth === 1 ? 0 : path[depth - 1];
    if (bytes[node] === byte && count !== NOT_IN_RUN) found.push(node, count);
    path[depth] = counts[node];
  }
  return Int32Array.from(found);
}

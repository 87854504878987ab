// The one form that every format compiles to: rules, each a small network of lexemes (regular languages over bytes) and
// calls of rules. Owns its checks: what can never end and what calls itself before it reads a byte. Knows no JSON.
import {refuse, tooLarge} from './refusal.ts';
import {EMPTY, NEVER, type Regex, type Regexes} from './regexes.ts';

/** Nodes of all rules. */
const MAX_NODES = 100_000;
/** What may begin at one place. */
const MAX_BEGINNINGS = 4096;

/** What a rule is built of. */
export type Expression =
  | {kind: 'lexeme'; regex: Regex}
  | {kind: 'call'; rule: number}
  | {kind: 'sequence' | 'choice'; parts: readonly Expression[]}
  /** One or more, each after the other. */
  | {kind: 'many'; part: Expression};

export const lexeme = (regex: Regex): Expression => ({kind: 'lexeme', regex});
export const call = (rule: number): Expression => ({kind: 'call', rule});
export const sequence = (...parts: readonly Expression[]): Expression => ({kind: 'sequence', parts});
export const choice = (...parts: readonly Expression[]): Expression => ({kind: 'choice', parts});
export const many = (part: Expression): Expression => ({kind: 'many', part});
export const NOTHING: Expression = {kind: 'lexeme', regex: EMPTY};
export const optional = (part: Expression): Expression => choice(NOTHING, part);

/** A place in a rule. Where `end` is set, the rule may end here. */
export interface Node {
  lexemes: {regex: Regex; to: number}[];
  calls: {rule: number; to: number}[];
  empty: number[];
  end: boolean;
}

/** A grammar that can be walked. Rule 0 is the whole. */
export interface Grammar {
  readonly regexes: Regexes;
  readonly nodes: readonly Node[];
  /** First node by rule. */
  readonly rules: readonly number[];
}

/** Rules that are still being written. */
export class GrammarBuilder {
  readonly regexes: Regexes;
  readonly #nodes: Node[] = [];
  readonly #rules: number[] = [];
  readonly #names: string[] = [];

  constructor(regexes: Regexes) {
    this.regexes = regexes;
  }

  /** A rule without a body yet. `name` stands in errors. */
  declare(name: string): number {
    this.#names.push(name);
    this.#rules.push(this.#node());
    return this.#rules.length - 1;
  }

  /** Gives a declared rule its body. */
  define(rule: number, body: Expression): void {
    const last = this.#node();
    this.#nodes[last].end = true;
    this.#build(body, this.#rules[rule], last);
  }

  /** A rule with a body. */
  rule(name: string, body: Expression): number {
    const rule = this.declare(name);
    this.define(rule, body);
    return rule;
  }

  /**
   * The grammar, without what no text can come through.
   * @throws GemmaError `grammar-invalid` where nothing is left, or a rule begins with itself
   */
  finish(): Grammar {
    this.#keepProductive();
    this.#refuseLeftRecursion();
    for (const node of this.#rules) this.#countBeginnings(node);
    return {regexes: this.regexes, nodes: this.#nodes, rules: this.#rules};
  }

  #node(): number {
    if (this.#nodes.length >= MAX_NODES) throw tooLarge('places', MAX_NODES);
    return this.#nodes.push({lexemes: [], calls: [], empty: [], end: false}) - 1;
  }

  #build(expression: Expression, from: number, to: number): void {
    switch (expression.kind) {
      case 'lexeme':
        if (expression.regex === EMPTY) this.#nodes[from].empty.push(to);
        else if (expression.regex !== NEVER) this.#nodes[from].lexemes.push({regex: expression.regex, to});
        return;
      case 'call':
        this.#nodes[from].calls.push({rule: expression.rule, to});
        return;
      case 'choice':
        for (const part of expression.parts) this.#build(part, from, to);
        return;
      case 'many': {
        const [start, end] = [this.#node(), this.#node()];
        this.#nodes[from].empty.push(start);
        this.#build(expression.part, start, end);
        this.#nodes[end].empty.push(start, to);
        return;
      }
      case 'sequence': {
        const parts = this.#joinLexemes(expression.parts);
        if (parts.length === 0) this.#nodes[from].empty.push(to);
        let at = from;
        parts.forEach((part, i) => {
          const next = i === parts.length - 1 ? to : this.#node();
          this.#build(part, at, next);
          at = next;
        });
      }
    }
  }

  /** Neighbouring lexemes are one. */
  #joinLexemes(parts: readonly Expression[]): Expression[] {
    const joined: Expression[] = [];
    for (const part of parts.flatMap((each) => (each.kind === 'sequence' ? this.#joinLexemes(each.parts) : [each]))) {
      const last = joined.at(-1);
      if (part.kind === 'lexeme' && last?.kind === 'lexeme') {
        joined[joined.length - 1] = lexeme(this.regexes.cat(last.regex, part.regex));
      } else joined.push(part);
    }
    return joined;
  }

  #keepProductive(): void {
    const nodes = this.#nodes;
    const callers: number[][] = nodes.map(() => []);
    const before: number[][] = nodes.map(() => []);
    const productive = nodes.map(({end}) => end);
    const open = nodes.flatMap(({end}, i) => (end ? [i] : []));
    nodes.forEach((node, i) => {
      node.lexemes = node.lexemes.filter(({regex}) => this.regexes.alive(regex));
      for (const {to} of node.lexemes) before[to].push(i);
      for (const to of node.empty) before[to].push(i);
      for (const {rule, to} of node.calls) {
        before[to].push(i);
        callers[this.#rules[rule]].push(i);
      }
    });
    const reaches = (node: Node): boolean =>
      node.lexemes.some(({to}) => productive[to]) ||
      node.empty.some((to) => productive[to]) ||
      node.calls.some(({rule, to}) => productive[to] && productive[this.#rules[rule]]);
    for (let i = open.pop(); i !== undefined; i = open.pop()) {
      for (const other of [...before[i], ...callers[i]]) {
        if (productive[other] || !reaches(nodes[other])) continue;
        productive[other] = true;
        open.push(other);
      }
    }
    if (!productive[this.#rules[0]]) throw refuse('nothing can fulfil this: it contradicts itself, or has no end');
    for (const node of nodes) {
      node.lexemes = node.lexemes.filter(({to}) => productive[to]);
      node.empty = node.empty.filter((to) => productive[to]);
      node.calls = node.calls.filter(({rule, to}) => productive[to] && productive[this.#rules[rule]]);
    }
  }

  #refuseLeftRecursion(): void {
    const nullable = this.#nullableRules();
    const done = new Set<number>();
    // Rules that are called before a byte is read, from a rule down. No recursion: a chain may be long.
    for (const first of this.#rules.keys()) {
      const path: {rule: number; next: number[]}[] = [];
      const onPath = new Set<number>();
      const enter = (rule: number): void => {
        if (onPath.has(rule)) {
          throw refuse(
            `rule ${JSON.stringify(this.#names[rule])} begins with itself, which has no end; begin it with something else`,
          );
        }
        if (done.has(rule)) return;
        onPath.add(rule);
        path.push({rule, next: this.#firstCalls(rule, nullable)});
      };
      enter(first);
      for (let top = path.at(-1); top; top = path.at(-1)) {
        const next = top.next.pop();
        if (next !== undefined) enter(next);
        else {
          path.pop();
          onPath.delete(top.rule);
          done.add(top.rule);
        }
      }
    }
  }

  /** Nodes that are reached from a node without reading a byte. */
  #reachedEmpty(start: number, nullable: ReadonlySet<number>): Set<number> {
    const reached = new Set([start]);
    for (const at of reached) {
      const node = this.#nodes[at];
      for (const to of node.empty) reached.add(to);
      for (const {regex, to} of node.lexemes) if (this.regexes.nullable(regex)) reached.add(to);
      for (const {rule, to} of node.calls) if (nullable.has(rule)) reached.add(to);
    }
    return reached;
  }

  #firstCalls(rule: number, nullable: ReadonlySet<number>): number[] {
    const reached = this.#reachedEmpty(this.#rules[rule], nullable);
    return [...new Set([...reached].flatMap((at) => this.#nodes[at].calls.map((each) => each.rule)))];
  }

  #nullableRules(): Set<number> {
    const nullable = new Set<number>();
    for (let grown = true; grown; ) {
      grown = false;
      for (const [rule, start] of this.#rules.entries()) {
        if (nullable.has(rule)) continue;
        if (![...this.#reachedEmpty(start, nullable)].some((at) => this.#nodes[at].end)) continue;
        nullable.add(rule);
        grown = true;
      }
    }
    return nullable;
  }

  #countBeginnings(start: number): void {
    let count = 0;
    const reached = new Set([start]);
    for (const at of reached) {
      const node = this.#nodes[at];
      count += node.lexemes.length;
      if (count > MAX_BEGINNINGS) throw tooLarge('alternatives at one place', MAX_BEGINNINGS);
      for (const to of node.empty) reached.add(to);
      for (const {rule} of node.calls) reached.add(this.#rules[rule]);
    }
  }
}

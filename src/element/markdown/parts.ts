// Colours and formulas of a text: fetched with the first that needs them, made when there is time, kept while they are
// shown. Until then, and where they cannot be had, code has one colour and a formula is its TeX.
import {colours, mathematics} from '../handed.ts';
import type {Lazy} from '../lazy.ts';
import type {Piece} from './colours.ts';
import type {Pace} from './pace.ts';
import type {Token} from './tokens.ts';

/** Formulas that are kept for the next time. */
const MAX_KEPT = 300;

interface Uses {
  readonly code: readonly Token[];
  readonly formulas: readonly Token[];
}

/** The coloured code and the formulas of one text. */
export class Parts {
  readonly #pace: Pace;
  readonly #uses = new WeakMap<Token, Uses>();
  readonly #pieces = new WeakMap<Token, readonly Piece[] | null>();
  readonly #set = new WeakMap<Token, Element | null>();
  readonly #formulas = new Map<string, Element | null>();

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /**
   * Makes what the block `token` needs, as far as there is time.
   * @param open the block is still being written: its code keeps one colour, which would change under the reader's eyes
   * @param again called when more can be done
   * @returns how much is made
   */
  prepare(token: Token, open: boolean, again: () => void): number {
    const {code, formulas} = this.#usesOf(token);
    let made = 0;
    const wait = (part: Lazy<unknown>) => {
      if (part.value) this.#pace.later(again);
      else if (!part.failed) part.load().then(() => part.value && again());
    };
    for (const each of open ? [] : code) {
      if (!this.#pieces.has(each)) {
        const painter = colours.value;
        if (!painter || !this.#pace.free) {
          wait(colours);
          break;
        }
        this.#pieces.set(each, painter.colourCode(each.text, languageOf(each).toLowerCase()));
      }
      made += 1;
    }
    for (const each of formulas) {
      if (!this.#set.has(each)) {
        const setter = mathematics.value;
        if (!setter || !(this.#formulas.has(keyOf(each)) || this.#pace.free)) {
          wait(mathematics);
          break;
        }
        const formula = this.#keptFormula(each, setter.renderFormula);
        this.#set.set(each, (formula?.cloneNode(true) as Element | undefined) ?? null);
      }
      made += 1;
    }
    return made;
  }

  /** Null where there are none, or none yet. */
  colours(code: Token): readonly Piece[] | null {
    return this.#pieces.get(code) ?? null;
  }

  /** Null where there is none, or none yet. */
  formula(token: Token): Element | null {
    return this.#set.get(token) ?? null;
  }

  /** The same formula stands often in a text, and in its open end with every piece that comes. */
  #keptFormula(token: Token, render: (tex: string, display: boolean) => Element | null): Element | null {
    const key = keyOf(token);
    const kept = this.#formulas.get(key);
    if (kept !== undefined) return kept;
    const formula = render(token.text, token.display);
    if (this.#formulas.size >= MAX_KEPT) this.#formulas.delete(this.#formulas.keys().next().value!);
    this.#formulas.set(key, formula);
    return formula;
  }

  #usesOf(token: Token): Uses {
    let uses = this.#uses.get(token);
    if (!uses) {
      const code: Token[] = [];
      const formulas: Token[] = [];
      const look = (each: Token) => {
        if (each.type === 'code' && languageOf(each)) code.push(each);
        if (each.type === 'math') formulas.push(each);
        for (const child of childrenOf(each)) look(child);
      };
      look(token);
      uses = {code, formulas};
      this.#uses.set(token, uses);
    }
    return uses;
  }
}

/** The language that a block of code names, as it is written. */
export function languageOf({lang}: Token): string {
  return (lang ?? '').trim().split(/\s/)[0];
}

/** A table's cells have tokens, and no type. */
function childrenOf(token: Token): Token[] {
  if (token.type === 'table') return [token.header, ...token.rows].flat();
  return token.items ?? token.tokens ?? [];
}

function keyOf({text, display}: Token): string {
  return `${display ? 'block' : 'line'} ${text}`;
}

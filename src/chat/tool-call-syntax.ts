// Reads the body of a tool call of Gemma 4 or FunctionGemma, `call:NAME{key:value,…}`, whose strings stand between quote tokens. Forgives
// what models get wrong: a missing last quote or brace, other quotes, a bare word as a value. Knows no tokens.
import type {PlainObject, PlainValue} from './plain-value.ts';

/** Deeper nesting is no call that a model means, and would cost stack. */
const MAX_DEPTH = 64;

export interface ParsedCall {
  name: string;
  arguments: PlainObject;
}

/**
 * @param parts the body cut at its quote tokens
 * @returns null where the body is no call.
 */
export function parseToolCall(parts: readonly string[]): ParsedCall | null {
  const head = /^\s*call:\s*([^\s{}]+)\s*(?=\{|$)/.exec(parts[0] ?? '');
  if (!head) return null;
  const reader = new Reader(pairQuotes([parts[0].slice(head[0].length), ...parts.slice(1)]));
  const value = reader.object();
  return value && {name: head[1], arguments: value};
}

/**
 * Outside a string, inside one, outside … A quote token ends a string only where the syntax goes on after it: models write
 * it inside strings too (code with quotes), where it means a plain quote.
 */
function pairQuotes(parts: readonly string[]): string[] {
  const pairs = [parts[0]];
  for (let at = 1; at < parts.length; ) {
    let text = parts[at];
    while (at + 1 < parts.length && !endsString(parts[at + 1], at + 2 === parts.length)) text += `"${parts[++at]}`;
    pairs.push(text);
    if (at + 1 < parts.length) pairs.push(parts[at + 1]);
    at += 2;
  }
  return closeLastString(pairs);
}

function endsString(after: string, isLast: boolean): boolean {
  const rest = after.trimStart();
  return rest === '' ? isLast : ',}]:'.includes(rest[0]);
}

/** With its last quote missing, a string has swallowed the closing braces. */
function closeLastString(parts: string[]): string[] {
  if (parts.length % 2 === 1) return parts;
  const last = parts[parts.length - 1].trimEnd();
  let end = last.length;
  while (last[end - 1] === '}') end--;
  return [...parts.slice(0, -1), last.slice(0, end), last.slice(end)];
}

class Reader {
  /** Characters outside strings, and whole strings as objects. */
  readonly #items: (string | {text: string})[];
  #at = 0;
  #depth = 0;

  constructor(parts: readonly string[]) {
    this.#items = parts.flatMap((part, i): (string | {text: string})[] => (i % 2 === 1 ? [{text: part}] : [...part]));
  }

  object(): PlainObject | null {
    if (!this.#take('{')) return null;
    const entries: [string, PlainValue][] = [];
    while (!this.#ends('}')) {
      const key = this.#key();
      if (key === null) return null;
      const value = this.#value();
      if (value === undefined) return null;
      entries.push([key, value]);
      if (!this.#take(',') && !this.#ends('}')) return null;
    }
    this.#take('}');
    return Object.fromEntries(entries);
  }

  #array(): PlainValue[] | undefined {
    const values: PlainValue[] = [];
    this.#take('[');
    while (!this.#ends(']')) {
      const value = this.#value();
      if (value === undefined) return undefined;
      values.push(value);
      if (!this.#take(',') && !this.#ends(']')) return undefined;
    }
    this.#take(']');
    return values;
  }

  #key(): string | null {
    const item = this.#peek();
    let key: string;
    if (typeof item === 'object') {
      key = item.text;
      this.#at++;
    } else {
      key = this.#bare(':').replace(/^(["'])(.*)\1$/s, '$2');
    }
    return key !== '' && this.#take(':') ? key : null;
  }

  #value(): PlainValue | undefined {
    const item = this.#peek();
    if (item === undefined) return undefined;
    if (typeof item === 'object') {
      this.#at++;
      return item.text;
    }
    if (item === '{' || item === '[') {
      if (++this.#depth > MAX_DEPTH) return undefined;
      const nested = item === '{' ? (this.object() ?? undefined) : this.#array();
      this.#depth--;
      return nested;
    }
    if (item === '"' || item === "'") return this.#quoted(item);
    const word = this.#bare(',}]');
    if (word === '') return undefined;
    // Models that write much Python write its words.
    if (/^([Tt]rue|[Ff]alse)$/.test(word)) return word.toLowerCase() === 'true';
    if (word === 'null' || word === 'None') return null;
    return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(word) ? Number(word) : word;
  }

  /** A string in plain quotes, with JSON's escapes; up to the end of the body where it is not closed. */
  #quoted(quote: string): string {
    this.#at++;
    let raw = '';
    for (let item = this.#items[this.#at]; item !== undefined && item !== quote; item = this.#items[this.#at]) {
      this.#at++;
      raw += typeof item === 'object' ? item.text : item;
      const escaped = item === '\\' ? this.#items[this.#at] : undefined;
      if (typeof escaped === 'string') {
        raw += escaped;
        this.#at++;
      }
    }
    this.#at++;
    try {
      return JSON.parse(quote === '"' ? `"${raw}"` : `"${raw.replaceAll("\\'", "'").replace(/(?<!\\)"/g, '\\"')}"`);
    } catch {
      return raw;
    }
  }

  /** Text up to one of the characters, or to a string. */
  #bare(ends: string): string {
    let text = '';
    for (let item = this.#peek(); typeof item === 'string' && !ends.includes(item); item = this.#items[this.#at]) {
      text += item;
      this.#at++;
    }
    return text.trim();
  }

  #peek(): string | {text: string} | undefined {
    let item = this.#items[this.#at];
    while (typeof item === 'string' && item.trim() === '') item = this.#items[++this.#at];
    return item;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  /** At the closing character, or at the end, where it is missing. */
  #ends(character: string): boolean {
    const item = this.#peek();
    return item === undefined || item === character;
  }
}

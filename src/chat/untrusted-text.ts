// Keeps what people wrote apart from a template's own markup. A template sees a placeholder where a text stands, so
// that afterwards every character of the prompt is known to be markup or text. Knows no template and no tokenizer.
import {GemmaError} from '../errors.ts';
import type {Pieces} from '../tokenizer/pieces.ts';
import type {PlainValue} from './plain-value.ts';
import type {TemplateInput, TemplateMessage} from './template-input.ts';

/** A part of a prompt: markup may hold control tokens, text never does. */
export interface Segment {
  text: string;
  isMarkup: boolean;
}

/**
 * A placeholder is made of private-use characters alone: upper-casing, trimming, sorting and JSON leave them as they are, and
 * no template writes them. So whatever is left of one, however small a piece, tells that the template has cut it.
 */
const OPEN = '\ue000';
const CLOSE = '\ue001';
const DIGITS = 0xe010;
const NONCE = 0xe100;
const PLACEHOLDER_PART = /[\ue000-\ue1ff]/;
/** As JSON escapes them where a template asks for ASCII alone. */
const ESCAPED_PART = /\\ue[01][0-9a-f]{2}\\ue[01][0-9a-f]{2}/i;

/** A template may insert a text several times, and short ones often: so many characters of texts are put back at most. */
const MAX_REPEATS = 8;
const MAX_SHORT_REPEATS = 2 ** 16;
/** Characters of white space at an edge of a text; more are left out. */
const MAX_SPACE = 256;
/** Messages between two yields: a few milliseconds. */
const MESSAGES_A_PIECE = 512;

/** The texts of one prompt, hidden behind placeholders while its template renders. */
export class UntrustedText {
  readonly #texts: string[] = [];
  /** Characters of all texts. */
  #length = 0;
  /** 128 bits that no one who wrote a message could know. */
  readonly #nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    String.fromCharCode(NONCE + byte),
  ).join('');
  readonly #isRisky: (text: string) => boolean;

  /** @param isRisky whether a text could be, or be part of, a control token. */
  constructor(isRisky: (text: string) => boolean) {
    this.#isRisky = isRisky;
  }

  /**
   * The input with every message's text hidden. Names, roles, keys and tool declarations, which templates compare and
   * sort, are hidden only where they could hold markup.
   */
  *hideIn(input: TemplateInput): Pieces<TemplateInput> {
    const messages: TemplateMessage[] = [];
    for (const message of input.messages) {
      messages.push(this.#message(message));
      if (messages.length % MESSAGES_A_PIECE === 0) yield;
    }
    return {
      ...input,
      messages,
      tools: this.#risky(input.tools as unknown as PlainValue) as unknown as TemplateInput['tools'],
    };
  }

  /**
   * Cuts a rendered prompt at the placeholders and puts the texts back.
   * @throws GemmaError `template-invalid` where a placeholder is not whole, or the texts are repeated without end
   */
  segments(rendered: string): Segment[] {
    const segments: Segment[] = [];
    const parts = rendered.split(new RegExp(`${OPEN}${this.#nonce}(\ue010|[\ue011-\ue019][\ue010-\ue019]*)${CLOSE}`));
    let room = MAX_REPEATS * this.#length + MAX_SHORT_REPEATS;
    for (const [i, part] of parts.entries()) {
      const isMarkup = i % 2 === 0;
      const text: string | undefined = isMarkup ? part : this.#texts[numberOf(part)];
      const isCut = text === undefined || (isMarkup && (PLACEHOLDER_PART.test(part) || ESCAPED_PART.test(part)));
      if (!isMarkup) room -= text?.length ?? 0;
      if (isCut || room < 0) {
        const how = isCut ? 'cuts or changes message texts' : 'repeats message texts too often';
        throw new GemmaError('template-invalid', `the model's chat template ${how}; expected it to insert them whole`);
      }
      if (text !== '') segments.push({text, isMarkup});
    }
    return segments;
  }

  #message({content, reasoning, tool_calls, ...rest}: TemplateMessage): TemplateMessage {
    const thoughts = reasoning && this.#hide(reasoning);
    return {
      ...(this.#risky(rest as PlainValue) as unknown as TemplateMessage),
      content: this.#hide(content),
      ...(thoughts ? {reasoning: thoughts, reasoning_content: thoughts} : {}),
      ...(tool_calls
        ? {
            tool_calls: tool_calls.map((call) => ({
              ...call,
              function: {
                name: this.#risky(call.function.name) as string,
                arguments: this.#all(call.function.arguments) as typeof call.function.arguments,
              },
            })),
          }
        : {}),
    };
  }

  /**
   * White space at the edges stays outside: templates trim, and it is never markup. A byte order mark is white space to
   * JavaScript alone: elsewhere templates keep it.
   */
  #hide(text: string): string {
    let start = 0;
    let end = text.length;
    while (start < end && isSpace(text[start])) start++;
    while (end > start && isSpace(text[end - 1])) end--;
    // White space stays outside, but no more of it than a template can go through at ease.
    const before = text.slice(Math.max(0, start - MAX_SPACE), start);
    const after = text.slice(end, end + MAX_SPACE);
    if (start === end) return before + after;
    this.#texts.push(text.slice(start, end));
    this.#length += end - start;
    return before + OPEN + this.#nonce + digitsOf(this.#texts.length - 1) + CLOSE + after;
  }

  #hideRisky(text: string): string {
    return this.#isRisky(text) || PLACEHOLDER_PART.test(text) ? this.#hide(text) : text;
  }

  #risky(value: PlainValue): PlainValue {
    return mapStrings(
      value,
      (text) => this.#hideRisky(text),
      (key) => this.#hideRisky(key),
    );
  }

  #all(value: PlainValue): PlainValue {
    return mapStrings(
      value,
      (text) => this.#hide(text),
      (key) => this.#hideRisky(key),
    );
  }
}

const isSpace = (character: string): boolean => /\s/.test(character) && character !== '\ufeff';

/** A number in private-use characters, and back. */
const digitsOf = (value: number): string =>
  Array.from(String(value), (digit) => String.fromCharCode(DIGITS + Number(digit))).join('');
const numberOf = (digits: string): number =>
  Number(Array.from(digits, (digit) => digit.charCodeAt(0) - DIGITS).join(''));

function mapStrings(value: PlainValue, onText: (text: string) => string, onKey: (key: string) => string): PlainValue {
  if (typeof value === 'string') return onText(value);
  if (Array.isArray(value)) return value.map((each) => mapStrings(each, onText, onKey));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [onKey(key), mapStrings(each, onText, onKey)]));
}

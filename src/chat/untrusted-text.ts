// Keeps what people wrote apart from a template's own markup. A template sees a placeholder where a text stands, so
// that afterwards every character of the prompt is known to be markup or text. Knows no template and no tokenizer.
import {GemmaError} from '../errors.ts';
import type {PlainValue, TemplateInput, TemplateMessage} from './template-input.ts';

/** A part of a prompt: markup may hold control tokens, text never does. */
export interface Segment {
  text: string;
  isMarkup: boolean;
}

/** Private-use characters: upper-casing, trimming and JSON leave them as they are. */
const OPEN = '\ue000';
const CLOSE = '\ue001';

export class UntrustedText {
  readonly #texts: string[] = [];
  /** 48 digits that nobody who wrote a message could know. */
  readonly #nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    String(byte).padStart(3, '0'),
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
  hideIn(input: TemplateInput): TemplateInput {
    return {
      ...input,
      messages: input.messages.map((message) => this.#message(message)),
      tools: this.#risky(input.tools as unknown as PlainValue) as unknown as TemplateInput['tools'],
    };
  }

  /** Cuts a rendered prompt at the placeholders and puts the texts back. */
  segments(rendered: string): Segment[] {
    const segments: Segment[] = [];
    const parts = rendered.split(new RegExp(`${OPEN}${this.#nonce}:(\\d+)${CLOSE}`));
    parts.forEach((part, i) => {
      const text = i % 2 === 1 ? this.#texts[Number(part)] : part;
      if (i % 2 === 0 && (part.includes(OPEN + this.#nonce.slice(0, 12)) || part.includes(this.#nonce.slice(-12)))) {
        throw new GemmaError(
          'template-invalid',
          "the model's chat template cuts or changes message texts; expected it to insert them whole",
        );
      }
      if (text !== '') segments.push({text, isMarkup: i % 2 === 0});
    });
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
    const core = text.replace(/^[^\S\ufeff]+|[^\S\ufeff]+$/g, '');
    if (core === '') return text;
    const start = text.indexOf(core);
    this.#texts.push(core);
    const placeholder = `${OPEN}${this.#nonce}:${this.#texts.length - 1}${CLOSE}`;
    return text.slice(0, start) + placeholder + text.slice(start + core.length);
  }

  #hideRisky(text: string): string {
    return this.#isRisky(text) ? this.#hide(text) : text;
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

function mapStrings(value: PlainValue, onText: (text: string) => string, onKey: (key: string) => string): PlainValue {
  if (typeof value === 'string') return onText(value);
  if (Array.isArray(value)) return value.map((each) => mapStrings(each, onText, onKey));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [onKey(key), mapStrings(each, onText, onKey)]));
}

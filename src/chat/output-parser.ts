// Sorts a model's tokens, one at a time, into visible text, thoughts and tool calls. Tags are recognised by token id, so
// a tag that the model merely spells is text. Knows no sampling and no protocol but the shape of a tool call.
import type {ToolCall} from '../protocol/messages.ts';
import type {Detokenizer, Tokenizer} from '../tokenizer/tokenizer.ts';
import {parseToolCall} from './tool-call-syntax.ts';

export type OutputEvent =
  | {type: 'content'; delta: string}
  | {type: 'reasoning'; delta: string}
  | {type: 'tool-call'; call: ToolCall};

export interface OutputParserOptions {
  /** The prompt already opened the thought (see `endsInThought`). */
  startInThought?: boolean;
  /** Makes the id of the n-th call; default a random one. */
  callId?: (n: number) => string;
}

/** What opens a thought's text, after `<|channel>`. */
const CHANNEL_NAME = 'thought\n';

/** White space that is held back: more of it, from a model that writes nothing else, is shown. */
const MAX_HELD = 1024;

type State = 'content' | 'channel-name' | 'thought' | 'call';

/** From one answer's tokens, in order, to events. One a generation. */
export class OutputParser {
  readonly #tokenizer: Tokenizer;
  readonly #tags: ReadonlyMap<number, string>;
  readonly #callId: (n: number) => string;
  #detokenizer: Detokenizer;
  #state: State;
  /** White space that a tag may follow, or the beginning of a channel's name. */
  #held = '';
  /** Whether white space at the start of this stretch is dropped: it borders a tag. */
  #trimStart: boolean;
  /** The body of a call, cut at its quote tokens. */
  #parts: string[] = [];
  #calls = 0;

  constructor(tokenizer: Tokenizer, options: OutputParserOptions = {}) {
    this.#tokenizer = tokenizer;
    this.#tags = tagsOf(tokenizer);
    this.#callId = options.callId ?? randomId;
    this.#detokenizer = tokenizer.detokenizer();
    this.#state = options.startInThought ? 'thought' : 'content';
    this.#trimStart = options.startInThought ?? false;
  }

  /** Tool calls so far. */
  get calls(): number {
    return this.#calls;
  }

  /** White space of the answer that is shown if text follows, or nothing at all, and not if a tag does. */
  get held(): string {
    return this.#state === 'content' ? this.#held : '';
  }

  /** Whether the next token belongs to a thought. */
  get thinks(): boolean {
    return this.#state === 'thought' || this.#state === 'channel-name';
  }

  push(id: number): OutputEvent[] {
    const tag = this.#tags.get(id);
    if (tag === undefined) return this.#text(this.#detokenizer.push(id));
    if (tag === '<|"|>') {
      if (this.#state !== 'call') return this.#text(this.#detokenizer.push(id));
      const events = this.#text(this.#detokenizer.flush());
      this.#parts.push('');
      return events;
    }
    const events = this.#close(true);
    if (tag === '<|channel>') this.#enter('channel-name');
    else if (tag === '<|tool_call>') this.#enter('call');
    else this.#enter('content'); // a closing tag, or a stray one
    return events;
  }

  /** What was held back, when nothing more will come: also a thought or a call that was left open. */
  flush(): OutputEvent[] {
    const events = this.#close(false);
    this.#enter('content');
    return events;
  }

  #enter(state: State): void {
    this.#state = state;
    this.#held = '';
    this.#trimStart = true;
    this.#parts = state === 'call' ? [''] : [];
    this.#detokenizer = this.#tokenizer.detokenizer();
  }

  #text(text: string): OutputEvent[] {
    if (text === '') return [];
    if (this.#state === 'call') {
      this.#parts[this.#parts.length - 1] += text;
      return [];
    }
    let all = this.#held + text;
    if (this.#state === 'channel-name') {
      this.#held = all;
      if (CHANNEL_NAME.startsWith(all) && all !== CHANNEL_NAME) return [];
      // Another name is shown as part of the thought.
      if (all.startsWith(CHANNEL_NAME)) all = all.slice(CHANNEL_NAME.length);
      this.#state = 'thought';
    }
    if (this.#trimStart) all = all.trimStart();
    const shown = all.length > MAX_HELD ? all : all.trimEnd();
    this.#held = all.slice(shown.length);
    if (shown === '') return [];
    this.#trimStart = false;
    return [{type: this.#state === 'content' ? 'content' : 'reasoning', delta: shown}];
  }

  /** Ends the stretch at hand, before a tag or at the very end. */
  #close(beforeTag: boolean): OutputEvent[] {
    const events = this.#text(this.#detokenizer.flush());
    if (this.#state === 'call') return [...events, ...this.#call()];
    if (this.#state === 'channel-name') {
      const rest = CHANNEL_NAME.trim() === this.#held.trim() ? '' : this.#held.trim();
      return rest === '' ? events : [...events, {type: 'reasoning', delta: rest}];
    }
    // At the end nothing follows that white space could separate from: what the model wrote is shown.
    if (this.#state === 'content' && !beforeTag && this.#held !== '') {
      events.push({type: 'content', delta: this.#held});
    }
    return events;
  }

  #call(): OutputEvent[] {
    const call = parseToolCall(this.#parts);
    if (!call) {
      // Not silently lost: the reader sees what the model meant to call.
      const delta = this.#parts.join('"').trim();
      return delta === '' ? [] : [{type: 'content', delta}];
    }
    const id = this.#callId(this.#calls++);
    const text = JSON.stringify(call.arguments);
    return [{type: 'tool-call', call: {id, type: 'function', function: {name: call.name, arguments: text}}}];
  }
}

/** Whether a prompt leaves a thought open, so that the answer begins inside it. */
export function endsInThought(tokenizer: Tokenizer, prompt: readonly number[]): boolean {
  const open = tokenizer.idOf('<|channel>');
  const closes = [tokenizer.idOf('<channel|>'), tokenizer.idOf('<|turn>'), tokenizer.idOf('<turn|>')];
  const last = prompt.findLast((id) => id === open || closes.includes(id));
  return last !== undefined && last === open;
}

/** Gemma 4's tags, and by which of them those of other files are understood. */
const TAGS: Readonly<Record<string, string>> = {
  '<|channel>': '<|channel>',
  '<channel|>': '<channel|>',
  '<|tool_call>': '<|tool_call>',
  '<tool_call|>': '<tool_call|>',
  '<|tool_response>': '<|tool_response>',
  '<tool_response|>': '<tool_response|>',
  '<|"|>': '<|"|>',
  // FunctionGemma's.
  '<start_function_call>': '<|tool_call>',
  '<end_function_call>': '<tool_call|>',
  '<start_function_response>': '<|tool_response>',
  '<end_function_response>': '<tool_response|>',
  '<escape>': '<|"|>',
};

/** Only tags that are tokens of their own; a vocabulary without them has no channels and no calls. */
function tagsOf(tokenizer: Tokenizer): ReadonlyMap<number, string> {
  const tags = new Map<number, string>();
  for (const [text, tag] of Object.entries(TAGS)) {
    const id = tokenizer.idOf(text);
    if (id !== undefined) tags.set(id, tag);
  }
  return tags;
}

function randomId(): string {
  return `call_${Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

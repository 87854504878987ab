// From sampled tokens to the events a reader sees: text by channel, tool calls, log-probabilities beside the text they
// belong to; held back while it could still become a stop string. Runs no step.
import type {GenerationEvent, TokenLogprob} from '../protocol/messages.ts';
import type {Detokenizer} from '../tokenizer/tokenizer.ts';
import type {OutputEvent} from './output-parser.ts';
import type {StopStrings} from './stop-strings.ts';

/** Takes an answer apart. `OutputParser` does for chats. */
export interface Parser {
  push(id: number): OutputEvent[];
  flush(): OutputEvent[];
  /** Content that is held back. */
  readonly held?: string;
  /** Whether it is inside a thought. */
  readonly thinks?: boolean;
}

export type TextEvent = Extract<GenerationEvent, {type: 'text' | 'tool-calls'}>;

/** Raw completions: every token's text is content. */
export function rawParser(detokenizer: Detokenizer): Parser {
  const content = (delta: string): OutputEvent[] => (delta === '' ? [] : [{type: 'content', delta}]);
  return {push: (id) => content(detokenizer.push(id)), flush: () => content(detokenizer.flush())};
}

/** The events of one generation, from its tokens in order. */
export class TextOutput {
  readonly #parser: Parser;
  readonly #stops: StopStrings;
  /** Tokens whose text has not been sent yet, with the length of the content before them. */
  readonly #waiting: {logprob: TokenLogprob; start: number}[] = [];
  /** UTF-16 units of content that came out of the parser, and that were sent. */
  #parsed = 0;
  #sent = 0;
  /** The last thing that came was no content. */
  #aside = false;
  #stopped = false;
  #toolCalls = 0;
  #reasoningTokens = 0;
  readonly #maxCalls: number;

  /** @param maxCalls the answer ends with the last of so many calls */
  constructor(parser: Parser, stops: StopStrings, maxCalls = Number.POSITIVE_INFINITY) {
    this.#parser = parser;
    this.#stops = stops;
    this.#maxCalls = maxCalls;
  }

  /** A stop string came, or the last call: nothing more will be sent. */
  get stopped(): boolean {
    return this.#stopped;
  }

  get toolCalls(): number {
    return this.#toolCalls;
  }

  /** Tokens of thoughts so far, with their tags. */
  get reasoningTokens(): number {
    return this.#reasoningTokens;
  }

  push(id: number, logprob?: TokenLogprob): TextEvent[] {
    const thought = this.#parser.thinks;
    const parsed = this.#parser.push(id);
    if (thought || this.#parser.thinks) this.#reasoningTokens += 1;
    // What follows a thought or a call is its end tag or white space that belongs to neither, until content comes.
    const counts = !this.#aside || parsed.some(({type}) => type === 'content');
    if (logprob && counts) this.#waiting.push({logprob, start: this.#parsed});
    const events = this.#events(parsed);
    // White space that is held back has been written all the same.
    const {held = ''} = this.#parser;
    if (!this.#stopped && held !== '' && this.#stops.wouldStop(held)) return [...events, ...this.flush()];
    return events;
  }

  flush(): TextEvent[] {
    if (this.#stopped) return [];
    const events = this.#events(this.#parser.flush());
    if (this.#stopped) return events;
    const rest = this.#stops.flush();
    if (rest !== '') events.push(this.#text(rest));
    // Tokens without text of their own (control tokens) still belong to a list of log-probabilities.
    const logprobs = this.#waiting.splice(0).map((entry) => entry.logprob);
    if (logprobs.length > 0) events.push({type: 'text', channel: 'content', delta: '', logprobs});
    return events;
  }

  #events(parsed: readonly OutputEvent[]): TextEvent[] {
    const events: TextEvent[] = [];
    for (const event of parsed) {
      if (this.#stopped) break;
      this.#aside = event.type !== 'content';
      // Stop strings are about the answer, and so are its log-probabilities.
      if (this.#aside) this.#waiting.length = 0;
      if (event.type === 'tool-call') {
        this.#toolCalls += 1;
        this.#stopped = this.#toolCalls >= this.#maxCalls;
        events.push({type: 'tool-calls', calls: [event.call]});
      } else if (event.type === 'reasoning') {
        events.push({type: 'text', channel: 'reasoning', delta: event.delta});
      } else {
        this.#parsed += event.delta.length;
        const {text, stop} = this.#stops.push(event.delta);
        this.#stopped = stop !== null;
        if (text !== '') events.push(this.#text(text));
      }
    }
    return events;
  }

  #text(delta: string): TextEvent {
    this.#sent += delta.length;
    let ready = 0;
    while (ready < this.#waiting.length && this.#waiting[ready].start < this.#sent) ready++;
    const logprobs = this.#waiting.splice(0, ready).map((entry) => entry.logprob);
    return {type: 'text', channel: 'content', delta, ...(logprobs.length > 0 && {logprobs})};
  }
}

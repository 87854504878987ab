// From sampled tokens to the events a reader sees: text by channel, tool calls, log-probabilities beside the text they
// belong to; held back while it could still become a tag, a stop string or half a character. Runs no step.
import type {GenerationEvent, TokenLogprob, ToolCall} from '../protocol/messages.ts';
import type {Detokenizer} from '../tokenizer/tokenizer.ts';

export type OutputPiece =
  | {type: 'text'; channel: 'content' | 'reasoning'; delta: string}
  | {type: 'tool-call'; call: ToolCall};

/** Takes an answer apart: thinking, tool calls, visible text. */
export interface OutputParser {
  /** `text` is what became complete with token `id`. */
  push(id: number, text: string): OutputPiece[];
  /** The answer is over: `text` is what was still incomplete. */
  flush(text: string): OutputPiece[];
}

/** Finds stop strings in a stream of text. */
export interface StopMatcher {
  /** Text that is certainly before a stop string; `stopped` once one is complete, and what follows it is dropped. */
  push(text: string): {text: string; stopped: boolean};
  flush(): string;
}

export type TextEvent = Extract<GenerationEvent, {type: 'text' | 'tool-calls'}>;

/** Raw completions: every token's text is content. */
export const rawText: OutputParser = {
  push: (_id, delta) => (delta === '' ? [] : [{type: 'text', channel: 'content', delta}]),
  flush: (delta) => (delta === '' ? [] : [{type: 'text', channel: 'content', delta}]),
};

export class TextOutput {
  readonly #detokenizer: Detokenizer;
  readonly #parser: OutputParser;
  readonly #stops: StopMatcher;
  /** Tokens whose text has not been sent yet, with the length of the content before them. */
  readonly #waiting: {logprob: TokenLogprob; start: number}[] = [];
  /** UTF-16 units of content that came out of the parser, and that were sent. */
  #parsed = 0;
  #sent = 0;
  #stopped = false;
  #toolCalls = 0;

  constructor(detokenizer: Detokenizer, parser: OutputParser, stops: StopMatcher) {
    this.#detokenizer = detokenizer;
    this.#parser = parser;
    this.#stops = stops;
  }

  /** A stop string came: nothing more will be sent. */
  get stopped(): boolean {
    return this.#stopped;
  }

  get toolCalls(): number {
    return this.#toolCalls;
  }

  push(id: number, logprob?: TokenLogprob): TextEvent[] {
    if (logprob) this.#waiting.push({logprob, start: this.#parsed});
    return this.#events(this.#parser.push(id, this.#detokenizer.push(id)));
  }

  flush(): TextEvent[] {
    if (this.#stopped) return [];
    const events = this.#events(this.#parser.flush(this.#detokenizer.flush()));
    const rest = this.#stopped ? '' : this.#stops.flush();
    if (rest !== '') events.push(this.#text(rest));
    // Tokens without text of their own (control tokens) still belong to a list of log-probabilities.
    const logprobs = this.#stopped ? [] : this.#waiting.splice(0).map((entry) => entry.logprob);
    if (logprobs.length > 0) events.push({type: 'text', channel: 'content', delta: '', logprobs});
    return events;
  }

  #events(pieces: readonly OutputPiece[]): TextEvent[] {
    const events: TextEvent[] = [];
    for (const piece of pieces) {
      if (this.#stopped) break;
      if (piece.type === 'tool-call') {
        this.#toolCalls += 1;
        events.push({type: 'tool-calls', calls: [piece.call]});
      } else if (piece.channel === 'reasoning') {
        // Stop strings are about the answer, and so are its log-probabilities.
        this.#waiting.length = 0;
        events.push({type: 'text', channel: 'reasoning', delta: piece.delta});
      } else {
        this.#parsed += piece.delta.length;
        const {text, stopped} = this.#stops.push(piece.delta);
        this.#stopped = stopped;
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
    return logprobs.length > 0
      ? {type: 'text', channel: 'content', delta, logprobs}
      : {type: 'text', channel: 'content', delta};
  }
}

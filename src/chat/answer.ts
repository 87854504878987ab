// The answer of one generation while it grows: counts its tokens and turns them into events. Runs no step and chooses no
// token.
import type {Sample} from '../engine/sampling/sampler.ts';
import type {FinishReason, GenerationEvent} from '../protocol/messages.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import {tokenLogprob} from './logprobs.ts';
import type {TextOutput} from './text-output.ts';

/** Receives a generation's events in order. */
export type Emit = (event: GenerationEvent) => void;

/** What an answer is made with. */
export interface AnswerContext {
  tokenizer: Tokenizer;
  output: TextOutput;
  emit: Emit;
}

/** One answer: its tokens so far, sent as events. */
export class Answer {
  readonly #tokenizer: Tokenizer;
  readonly #output: TextOutput;
  readonly #emit: Emit;
  #length = 0;
  /** Token ids since the last event that carried some. */
  #unsent: number[] = [];

  constructor({tokenizer, output, emit}: AnswerContext) {
    this.#tokenizer = tokenizer;
    this.#output = output;
    this.#emit = emit;
  }

  /** Tokens of the answer, with one that ended it. */
  get length(): number {
    return this.#length;
  }

  /** Whether a stop string or its last call ended it. */
  get stopped(): boolean {
    return this.#output.stopped;
  }

  /** Takes over tokens whose events the reader has already: they are parsed, and nothing is sent. */
  resume(ids: readonly number[]): void {
    this.#length = ids.length;
    for (const id of ids) this.#output.push(id);
  }

  /** Adds a token and sends what it completes. Returns false if the token ends the answer. */
  add({id, logprob, top}: Sample): boolean {
    this.#length += 1;
    if (this.#tokenizer.stopIds.has(id)) return false;
    this.#unsent.push(id);
    const events = this.#output.push(
      id,
      logprob === undefined ? undefined : tokenLogprob(this.#tokenizer, id, logprob, top ?? []),
    );
    const last = events.pop();
    for (const event of events) this.#emit(event);
    if (last) {
      this.#emit({...last, ids: this.#unsent});
      this.#unsent = [];
    }
    return !this.stopped;
  }

  /** Sends text that was held back, and the end. */
  finish(reason: FinishReason, promptTokens: number, cachedTokens: number): void {
    for (const event of this.#output.flush()) this.#emit(event);
    this.#emit({
      type: 'done',
      reason: this.#finalReason(reason),
      usage: {
        prompt_tokens: promptTokens,
        completion_tokens: this.#length,
        total_tokens: promptTokens + this.#length,
        cached_tokens: cachedTokens,
        prompt_tokens_details: {cached_tokens: cachedTokens},
        completion_tokens_details: {reasoning_tokens: this.#output.reasoningTokens},
      },
    });
  }

  /** The text that was held back may complete a stop string, and an answer that calls a tool ends with its calls. */
  #finalReason(reason: FinishReason): FinishReason {
    const final = this.stopped && reason === 'length' ? 'stop' : reason;
    return final === 'stop' && this.#output.toolCalls > 0 ? 'tool_calls' : final;
  }
}

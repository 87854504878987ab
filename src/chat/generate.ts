// One generation: prefill in chunks, then a token a step until something ends it. Owns the order of things; whose turn
// it is belongs to whoever gives the lane. No timers: between two steps there is nothing to wait for.
import type {Choice} from '../engine/sampling/choice.ts';
import type {Sample, Sampler} from '../engine/sampling/sampler.ts';
import {GemmaError, isAbort} from '../errors.ts';
import type {FinishReason, GenerationEvent, TokenLogprob} from '../protocol/messages.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import type {Lane} from './lane.ts';
import {promptLogprobs, tokenLogprob} from './logprobs.ts';
import type {TextOutput} from './text-output.ts';

/** What of the engine a generation needs to know. */
export interface EngineShape {
  readonly contextLength: number;
  readonly chunkSize: number;
  readonly vocabSize: number;
}

export interface Generation {
  prompt: readonly number[];
  sampler: Sampler;
  output: TextOutput;
  /** Default: until the context ends. */
  maxTokens?: number;
  /** Log-probabilities of sampled tokens, and of the prompt's if it is echoed. */
  logprobs: boolean;
  topLogprobs: number;
  /**
   * Tokens of this answer that its reader has already, from a worker that has gone since. They are fed like a prompt,
   * say nothing, and the answer goes on behind them: as it would have, if the sampler goes on where it was.
   */
  resume?: readonly number[];
  /** Messages that were left out of the prompt. */
  dropped?: number;
  /** Text to return before the answer. */
  echo?: EchoOptions;
}

export interface EchoOptions {
  text: string;
  /** The first token is a bos of ours, no part of the text. */
  addedBos: boolean;
}

export interface GenerateContext {
  engine: EngineShape;
  tokenizer: Tokenizer;
  lane: Lane;
  signal: AbortSignal;
}

// Logits of all rows of a prefill chunk come back at once: with 262144 tokens a row is 1 MiB.
const MAX_LOGIT_BYTES = 16 * 2 ** 20;

/** @throws GemmaError `context-overflow`, `option-invalid`, and what a step throws. An abort throws nothing. */
export async function* generate(generation: Generation, context: GenerateContext): AsyncGenerator<GenerationEvent> {
  const {prompt, output, sampler, maxTokens = Number.POSITIVE_INFINITY, resume} = generation;
  const {tokenizer, engine, lane, signal} = context;
  checkPrompt(prompt, maxTokens, engine);
  // Whoever resumes has the echo.
  const echo = resume ? undefined : generation.echo;
  const scorePrompt = echo !== undefined && generation.logprobs;
  const fed = resume ? [...prompt, ...resume] : prompt;
  let sampled = resume?.length ?? 0;
  // Sampled since the last event that says so.
  let ids: number[] = [];
  const done = (reason: FinishReason): GenerationEvent => ({
    type: 'done',
    reason,
    usage: {
      prompt_tokens: prompt.length,
      completion_tokens: sampled,
      total_tokens: prompt.length + sampled,
      cached_tokens: lane.cached,
    },
  });
  try {
    const scores = scorePrompt ? firstScore(generation, tokenizer) : undefined;
    const most = scorePrompt ? rowsOfLogits(engine) : fed.length;
    for (const id of resume ?? []) output.push(id);
    let logits: Float32Array | undefined;
    let choice: Choice = {settings: sampler.settings};
    if (generation.dropped && !resume) yield {type: 'truncated', messages: generation.dropped};
    yield {type: 'prefill', done: 0, total: prompt.length};
    for (let at = 0; at < fed.length; ) {
      if (signal.aborted) return yield done('abort');
      const asked = scorePrompt ? 'all' : maxTokens > sampled ? 'last' : 'none';
      const {taken, logits: rows} = await lane.step(fed.slice(at, at + most), asked, choice);
      if (scores) scores.push(...promptLogprobs(tokenizer, prompt, at, rows, generation.topLogprobs));
      logits = rows.at(-1);
      at += taken;
      yield {type: 'prefill', done: Math.min(at, prompt.length), total: prompt.length};
    }
    if (echo) yield {type: 'echo', text: echo.text, ...(scores && {logprobs: scores})};

    let reason: FinishReason | null = null;
    while (!reason) {
      if (signal.aborted) reason = 'abort';
      else if (sampled >= maxTokens || prompt.length + sampled >= engine.contextLength) reason = 'length';
      else {
        const sample = next(sampler, choice, logits, lane.tokens);
        sampled += 1;
        if (tokenizer.stopIds.has(sample.id)) reason = 'stop';
        else {
          ids.push(sample.id);
          const logprob =
            sample.logprob === undefined
              ? undefined
              : tokenLogprob(tokenizer, sample.id, sample.logprob, sample.top ?? []);
          const events = output.push(sample.id, logprob);
          const last = events.pop();
          yield* events;
          if (last) yield {...last, ids};
          if (last) ids = [];
          if (output.stopped) reason = 'stop';
          // The last token of all needs no step: nothing follows it.
          else if (!signal.aborted && sampled < maxTokens && prompt.length + sampled < engine.contextLength) {
            choice = {settings: sampler.settings};
            [logits] = (await lane.step([sample.id], 'last', choice)).logits;
          }
        }
      }
    }
    yield* output.flush();
    if (output.stopped && reason === 'length') reason = 'stop';
    yield done(reason === 'stop' && output.toolCalls > 0 ? 'tool_calls' : reason);
  } catch (error) {
    // Stopped while it waited for its turn: what was said stands.
    if (!isAbort(error) || !signal.aborted) throw error;
    yield* output.flush();
    yield done('abort');
  }
}

/**
 * The next token: as the GPU chose it, else by the sampler.
 * @throws GemmaError `internal` when logits are no numbers
 */
function next(sampler: Sampler, choice: Choice, logits: Float32Array | undefined, tokens: readonly number[]): Sample {
  if (choice.error) throw choice.error;
  if (choice.sample) {
    sampler.skip();
    return choice.sample;
  }
  if (!logits) throw new GemmaError('internal', 'a step gave no logits; expected those of its last row');
  return sampler.sample(logits, tokens);
}

/** @throws GemmaError `option-invalid`, `context-overflow` */
export function checkPrompt(prompt: readonly number[], maxTokens: number, engine: EngineShape): void {
  if (prompt.length === 0) {
    throw new GemmaError('option-invalid', 'the prompt has no tokens; expected at least one', {
      detail: {option: 'prompt'},
    });
  }
  const stranger = prompt.find((id) => id >= engine.vocabSize);
  if (stranger !== undefined) {
    throw new GemmaError(
      'option-invalid',
      `the prompt has token ${stranger}; the model's tokens are 0 to ${engine.vocabSize - 1}`,
      {detail: {option: 'prompt', token: stranger}},
    );
  }
  const room = engine.contextLength - (maxTokens > 0 ? 1 : 0);
  if (prompt.length <= room) return;
  throw new GemmaError(
    'context-overflow',
    `the prompt has ${prompt.length} tokens; with a context of ${engine.contextLength} it may have ${room}. Shorten it, or load the model with a larger contextLength`,
    {detail: {promptTokens: prompt.length, contextLength: engine.contextLength}},
  );
}

/** The prompt's first token, which nothing precedes. */
function firstScore({prompt, echo}: Generation, tokenizer: Tokenizer): TokenLogprob[] {
  return [tokenLogprob(tokenizer, prompt[0], null, [], !echo?.addedBos)];
}

/** How many rows of logits may come back at once. */
function rowsOfLogits({chunkSize, vocabSize}: EngineShape): number {
  return Math.max(1, Math.min(chunkSize, Math.floor(MAX_LOGIT_BYTES / (4 * vocabSize))));
}

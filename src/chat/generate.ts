// One generation: prefill in chunks, then a token a step until something ends it. Owns the order of things; whose turn
// it is belongs to whoever gives `step`. No timers: between two steps there is nothing to wait for.
import type {StepInput} from '../engine/engine.ts';
import type {Sampler} from '../engine/sampler.ts';
import {GemmaError} from '../errors.ts';
import type {FinishReason, GenerationEvent, TokenLogprob} from '../protocol/messages.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import {type ConversationPool, isOutOfMemory} from './conversation.ts';
import {promptLogprobs, tokenLogprob} from './logprobs.ts';
import type {TextOutput} from './text-output.ts';

/** Runs the rows of one sequence, alone or beside those of others. Logits as `Engine.step`: f32[vocabSize] a row. */
export type Step = (input: StepInput) => Promise<Float32Array[]>;

/** What of the engine a generation needs to know. */
export interface EngineShape {
  readonly contextLength: number;
  readonly chunkSize: number;
  readonly vocabSize: number;
}

export interface Generation {
  /** Whose keys and values may be reused. */
  client: object;
  prompt: readonly number[];
  sampler: Sampler;
  output: TextOutput;
  /** Default: until the context ends. */
  maxTokens?: number;
  /** Log-probabilities of sampled tokens, and of the prompt's if it is echoed. */
  logprobs: boolean;
  topLogprobs: number;
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
  conversations: ConversationPool;
  step: Step;
  signal: AbortSignal;
}

// Logits of all rows of a prefill chunk come back at once: with 262144 tokens a row is 1 MiB.
const MAX_LOGIT_BYTES = 16 * 2 ** 20;

/** @throws GemmaError `context-overflow`, `option-invalid`, and what a step throws. An abort throws nothing. */
export async function* generate(generation: Generation, context: GenerateContext): AsyncGenerator<GenerationEvent> {
  const {prompt, output, sampler, maxTokens = Number.POSITIVE_INFINITY} = generation;
  const {tokenizer, engine, signal} = context;
  checkPrompt(prompt, maxTokens, engine);
  const scorePrompt = generation.echo !== undefined && generation.logprobs;
  const lease = context.conversations.acquire(generation.client, prompt, !scorePrompt);
  const {sequence, cached} = lease;
  const step = withRoom(context);
  let sampled = 0;
  const done = (reason: FinishReason): GenerationEvent => ({
    type: 'done',
    reason,
    usage: {
      prompt_tokens: prompt.length,
      completion_tokens: sampled,
      total_tokens: prompt.length + sampled,
      cached_tokens: cached,
    },
  });
  try {
    const scores = scorePrompt ? firstScore(generation, tokenizer) : undefined;
    let logits: Float32Array | undefined;
    yield {type: 'prefill', done: cached, total: prompt.length};
    for (const chunk of chunks(prompt, cached, chunkRows(engine, scorePrompt))) {
      if (signal.aborted) return yield done('abort');
      const last = chunk.end === prompt.length;
      const rows = await step({
        sequence,
        tokens: prompt.slice(chunk.start, chunk.end),
        logits: scorePrompt ? 'all' : last && maxTokens > 0 ? 'last' : 'none',
      });
      if (scores) scores.push(...promptLogprobs(tokenizer, prompt, chunk.start, rows, generation.topLogprobs));
      logits = rows.at(-1);
      yield {type: 'prefill', done: chunk.end, total: prompt.length};
    }
    if (generation.echo) yield {type: 'echo', text: generation.echo.text, ...(scores && {logprobs: scores})};

    let reason: FinishReason | null = null;
    while (!reason) {
      if (signal.aborted) reason = 'abort';
      else if (sampled >= maxTokens || prompt.length + sampled >= engine.contextLength) reason = 'length';
      else if (!logits) throw new GemmaError('internal', 'a step gave no logits; expected those of its last row');
      else {
        const sample = sampler.sample(logits, sequence.tokens);
        sampled += 1;
        if (tokenizer.stopIds.has(sample.id)) reason = 'stop';
        else {
          yield* output.push(
            sample.id,
            sample.logprob === undefined
              ? undefined
              : tokenLogprob(tokenizer, sample.id, sample.logprob, sample.top ?? []),
          );
          if (output.stopped) reason = 'stop';
          // The last token of all needs no step: nothing follows it.
          else if (!signal.aborted && sampled < maxTokens && prompt.length + sampled < engine.contextLength) {
            [logits] = await step({sequence, tokens: [sample.id], logits: 'last'});
          }
        }
      }
    }
    yield* output.flush();
    yield done(reason === 'stop' && output.toolCalls > 0 ? 'tool_calls' : reason);
  } finally {
    lease.release();
  }
}

/** Ended before its first step. */
export function abortedEarly(promptTokens: number): GenerationEvent {
  const usage = {prompt_tokens: promptTokens, completion_tokens: 0, total_tokens: promptTokens, cached_tokens: 0};
  return {type: 'done', reason: 'abort', usage};
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

function chunkRows({chunkSize, vocabSize}: EngineShape, allLogits: boolean): number {
  if (!allLogits) return chunkSize;
  return Math.max(1, Math.min(chunkSize, Math.floor(MAX_LOGIT_BYTES / (4 * vocabSize))));
}

function* chunks(prompt: readonly number[], from: number, rows: number): Generator<{start: number; end: number}> {
  for (let start = from; start < prompt.length; start += rows) {
    yield {start, end: Math.min(start + rows, prompt.length)};
  }
}

/** A step that finds no free pages changes nothing: idle conversations are given up for it, one by one. */
function withRoom({step, conversations}: GenerateContext): Step {
  return async (input) => {
    for (;;) {
      try {
        return await step(input);
      } catch (error) {
        if (!isOutOfMemory(error) || !conversations.evictIdle()) throw error;
      }
    }
  };
}

// One generation: prefill in chunks, then one token a step until something ends it. Owns the order of these; its
// scheduler owns when a step runs. Has no timers: between two steps there is nothing to wait for.
import type {Choice} from '../engine/sampling/choice.ts';
import type {Sample, Sampler} from '../engine/sampling/sampler.ts';
import {GemmaError, isAbort} from '../errors.ts';
import type {FinishReason, TokenLogprob} from '../protocol/messages.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import {Answer, type Emit} from './answer.ts';
import {promptLogprobs, tokenLogprob} from './logprobs.ts';
import {checkPrompt, type EngineShape} from './prompt-check.ts';
import type {TextOutput} from './text-output.ts';
import type {TokenConstraint} from './token-constraint.ts';
import type {SequenceState, StepResult, TokenStep, TokenSteps} from './token-steps.ts';

/** What is to be generated. */
export interface Generation {
  /** Token ids. */
  prompt: readonly number[];
  sampler: Sampler;
  output: TextOutput;
  /** Tokens of the answer. Default: until the context ends. */
  maxTokens?: number;
  /** Log-probabilities of sampled tokens, and of the prompt's if it is echoed. */
  logprobs: boolean;
  /** How many of the likeliest tokens come with each log-probability. */
  topLogprobs: number;
  /**
   * Tokens of this answer that its reader has already, from a worker that has ended since. They are computed like a
   * prompt and not sent again; the answer goes on after them, with a sampler whose random numbers go on as well.
   */
  resume?: readonly number[];
  /** What the answer's tokens have to obey, from its first one. A new one for each generation. */
  constraint?: TokenConstraint;
  /** Messages that were left out of the prompt. */
  dropped?: number;
  /** Text to return before the answer. */
  echo?: EchoOptions;
}

/** A prompt that is returned before its completion. */
export interface EchoOptions {
  text: string;
  /** The first token is a bos that we added: it is no part of the text. */
  addedBos: boolean;
}

/** What a generation runs in. */
export interface GenerateContext {
  engine: EngineShape;
  tokenizer: Tokenizer;
  sequence: SequenceState;
  signal: AbortSignal;
  emit: Emit;
}

/** What chooses the next token: the sample that a step filled in, or the logits that it gave. */
interface Next {
  /** Where any token may come. */
  choice: Choice | undefined;
  /** See `TokenConstraint`. */
  allowed: Uint32Array | null;
  /** f32[vocabSize] */
  logits: Float32Array | undefined;
}

/** Logits of all rows of a prefill chunk are read back at once: with 262,144 tokens a row is 1 MiB. */
const MAX_LOGIT_BYTES = 16 * 2 ** 20;

/**
 * Emits the events of one generation, ending with `done`. An abort of `signal` ends it with reason `abort`.
 * @throws GemmaError `context-overflow`, `option-invalid`, and what a step throws
 */
export function* generate(generation: Generation, context: GenerateContext): TokenSteps {
  const {prompt, output, maxTokens = Number.POSITIVE_INFINITY} = generation;
  const {signal, engine, sequence} = context;
  checkPrompt(prompt, maxTokens, engine);
  const answer = new Answer({...context, output});
  let reason: FinishReason;
  try {
    const first = yield* prefill(generation, answer, context);
    reason = first ? yield* decode(generation, answer, first, context) : 'abort';
  } catch (error) {
    if (!isAbort(error) || !signal.aborted) throw error;
    // Stopped while it waited for its turn: what was sent stays valid.
    reason = 'abort';
  }
  // Tokens of the answer that had to come may have been found computed, too.
  answer.finish(reason, prompt.length, Math.min(sequence.cached, prompt.length));
}

type Steps<Result> = Generator<TokenStep, Result, StepResult>;

/** What a prompt leads to, and the tokens after it that had to come: they are computed with it. */
interface First {
  next: Next;
  forced: readonly number[];
}

/** Computes the prompt, what is resumed, and what has to come then. Null when it is aborted between two chunks. */
function* prefill(generation: Generation, answer: Answer, context: GenerateContext): Steps<First | null> {
  const {prompt, resume = [], constraint, topLogprobs, maxTokens = Number.POSITIVE_INFINITY} = generation;
  const {tokenizer, engine, signal, emit} = context;
  // The reader of a resumed answer has the echo.
  const echo = generation.resume ? undefined : generation.echo;
  const scores = echo && generation.logprobs ? firstScore(generation, tokenizer) : null;
  answer.resume(resume);
  for (const id of resume) constraint?.accept(id);
  const forced = forcedTokens(generation, answer, context);
  const tokens = [...prompt, ...resume, ...forced];
  const maxRows = scores ? maxRowsOfLogits(engine) : tokens.length;
  if (generation.dropped && !generation.resume) emit({type: 'truncated', messages: generation.dropped});
  const wanted = scores ? 'all' : maxTokens > answer.length ? 'last' : 'none';
  const next = nextOf(generation);
  emit({type: 'prefill', done: 0, total: prompt.length});
  for (let at = 0; at < tokens.length; ) {
    if (signal.aborted) return null;
    const step = {tokens: tokens.slice(at, at + maxRows), logits: wanted, choice: next.choice} as const;
    const {taken, logits} = yield step;
    if (scores) scores.push(...promptLogprobs(tokenizer, prompt, at, logits, topLogprobs));
    next.logits = logits.at(-1);
    at += taken;
    emit({type: 'prefill', done: Math.min(at, prompt.length), total: prompt.length});
  }
  if (echo) emit({type: 'echo', text: echo.text, ...(scores && {logprobs: scores})});
  return {next, forced};
}

/** Adds tokens to the answer until it ends. The last token is not computed: nothing follows it. */
function* decode(
  generation: Generation,
  answer: Answer,
  {next, forced}: First,
  context: GenerateContext,
): Steps<FinishReason> {
  const {sampler, constraint} = generation;
  const {signal, sequence} = context;
  const room = roomFor(generation, context);
  if (!addForced(answer, sampler, forced)) return 'stop';
  for (;;) {
    if (signal.aborted) return 'abort';
    if (constraint?.complete) return 'stop';
    if (answer.length >= room) return 'length';
    const sample = nextSample(sampler, next, sequence.tokens);
    if (!answer.add(sample)) return 'stop';
    constraint?.accept(sample.id);
    const following = forcedTokens(generation, answer, context);
    if (!addForced(answer, sampler, following)) return 'stop';
    if (signal.aborted || constraint?.complete || answer.length >= room) continue;
    const tokens = [sample.id, ...following];
    next = nextOf(generation);
    for (let at = 0; at < tokens.length; ) {
      if (signal.aborted) return 'abort';
      const {taken, logits} = yield {tokens: tokens.slice(at), logits: 'last', choice: next.choice};
      next.logits = logits.at(-1);
      at += taken;
    }
  }
}

/** Tokens of the answer. */
function roomFor({prompt, maxTokens}: Generation, {engine}: GenerateContext): number {
  return Math.min(maxTokens ?? Number.POSITIVE_INFINITY, engine.contextLength - prompt.length);
}

/** Tokens that have to come next, which the constraint has taken. Not where their log-probabilities are wanted. */
function forcedTokens(generation: Generation, answer: Answer, context: GenerateContext): readonly number[] {
  const {constraint, logprobs} = generation;
  if (!constraint || logprobs) return [];
  const forced = constraint.forced().slice(0, Math.max(0, roomFor(generation, context) - answer.length));
  for (const id of forced) constraint.accept(id);
  return forced;
}

/** False where they end the answer. Each takes a random number: a resumed answer counts tokens. */
function addForced(answer: Answer, sampler: Sampler, ids: readonly number[]): boolean {
  return ids.every((id) => {
    sampler.skip();
    return answer.add({id});
  });
}

function nextOf({sampler, constraint}: Generation): Next {
  const allowed = constraint?.allowed() ?? null;
  return {choice: allowed ? undefined : {settings: sampler.settings}, allowed, logits: undefined};
}

/**
 * The next token: the GPU's choice, or the sampler's.
 * @throws GemmaError `internal` when logits are not numbers
 */
function nextSample(sampler: Sampler, {choice, allowed, logits}: Next, tokens: readonly number[]): Sample {
  if (choice?.error) throw choice.error;
  if (choice?.sample) {
    sampler.skip();
    return choice.sample;
  }
  if (!logits) throw new GemmaError('internal', 'a step gave no logits; expected those of its last row');
  return sampler.sample(logits, tokens, allowed);
}

/** The entry of the prompt's first token: nothing precedes it. */
function firstScore({prompt, echo}: Generation, tokenizer: Tokenizer): TokenLogprob[] {
  return [tokenLogprob(tokenizer, prompt[0], null, [], !echo?.addedBos)];
}

/** How many rows of logits are read back at once. */
function maxRowsOfLogits({chunkSize, vocabSize}: EngineShape): number {
  return Math.max(1, Math.min(chunkSize, Math.floor(MAX_LOGIT_BYTES / (4 * vocabSize))));
}

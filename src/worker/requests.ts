// A request's options as a generation: prompt ids, sampler, output. Every option of the wire has its one place here.
import {dropOldestTurns} from '../chat/context-overflow.ts';
import type {Generation} from '../chat/generate.ts';
import {noCalls} from '../chat/no-calls.ts';
import {endsInThought, OutputParser} from '../chat/output-parser.ts';
import {checkPrompt} from '../chat/prompt-check.ts';
import {StopStrings} from '../chat/stop-strings.ts';
import {renderToTokensInPieces} from '../chat/template.ts';
import {type Parser, rawParser, TextOutput} from '../chat/text-output.ts';
import {createSampler} from '../engine/sampling/sampler.ts';
import type {LogitBias} from '../engine/sampling/settings.ts';
import {GemmaError} from '../errors.ts';
import type {ChatMessage, ChatRequest, CompletionRequest, GenerationOptions} from '../protocol/messages.ts';
import type {Pieces} from '../tokenizer/pieces.ts';
import type {LoadedModel} from './loaded-model.ts';

/** @throws GemmaError `template-invalid`, `context-overflow`, `option-invalid` */
export function* chatGeneration(model: LoadedModel, request: ChatRequest, resume?: number[]): Pieces<Generation> {
  const {messages, tools, thinking, context_overflow} = request;
  const {tokenizer, engine} = model;
  const template = model.template();
  const options = {tools, thinking, maxTokens: engine.contextLength};
  const render = (some: readonly ChatMessage[]) => renderToTokensInPieces(tokenizer, template, some, options);
  const room = engine.contextLength - (request.max_tokens ?? Math.ceil(engine.contextLength / 4));
  const {prompt, dropped} =
    context_overflow === 'truncate-oldest'
      ? yield* dropOldestTurns(messages, Math.max(1, room), render)
      : {prompt: yield* render(messages), dropped: 0};
  const parser = new OutputParser(tokenizer, {startInThought: endsInThought(tokenizer, prompt)});
  const {tool_choice: choice, parallel_tool_calls: parallel = true} = request;
  const form: AnswerForm = {parser, resume};
  if (choice === 'none') form.bias = noCalls(tokenizer);
  if (!parallel || typeof choice === 'object') form.maxCalls = 1;
  return {...generation(model, request, prompt, form), dropped};
}

/** @throws GemmaError `context-overflow`, `option-invalid` */
export function* completionGeneration(
  model: LoadedModel,
  request: CompletionRequest,
  resume?: number[],
): Pieces<Generation> {
  const {tokenizer} = model;
  const {prompt: given} = request;
  const prompt = typeof given === 'string' ? yield* tokenizer.encodeInPieces(given, {parseSpecial: true}) : given;
  const result = generation(model, request, prompt, {parser: rawParser(tokenizer.detokenizer()), resume});
  if (!request.echo) return result;
  // Ids speak for themselves; a text gets its bos from us, unless it begins with one.
  if (typeof given !== 'string') {
    return {...result, echo: {text: tokenizer.decode(prompt, {special: true}), addedBos: false}};
  }
  const addedBos = prompt[0] === tokenizer.bosId && !given.startsWith(tokenizer.tokenText(tokenizer.bosId));
  return {...result, echo: {text: given, addedBos}};
}

/** How an answer is read, and what it must not have. */
interface AnswerForm {
  parser: Parser;
  resume?: readonly number[];
  bias?: readonly LogitBias[];
  maxCalls?: number;
}

function generation(
  model: LoadedModel,
  options: GenerationOptions,
  prompt: readonly number[],
  {parser, resume, bias = [], maxCalls}: AnswerForm,
): Generation {
  // Told at once, not when its turn comes.
  checkPrompt(prompt, options.max_tokens ?? Number.POSITIVE_INFINITY, model.engine);
  const logprobs = options.logprobs ?? false;
  const topLogprobs = options.top_logprobs ?? 0;
  const sampler = createSampler({
    temperature: options.temperature,
    topK: options.top_k,
    topP: options.top_p,
    minP: options.min_p,
    repetitionPenalty: options.repetition_penalty,
    frequencyPenalty: options.frequency_penalty,
    presencePenalty: options.presence_penalty,
    answerFrom: prompt.length,
    logitBias: [...biasOf(options.logit_bias ?? {}, model.engine.vocabSize), ...bias],
    seed: options.seed,
    rngOffset: resume?.length,
    logprobs,
    topLogprobs,
  });
  const output = new TextOutput(parser, new StopStrings(options.stop ?? []), maxCalls);
  return {prompt, sampler, output, maxTokens: options.max_tokens, logprobs, topLogprobs, resume};
}

function biasOf(given: Record<string, number>, vocabSize: number): LogitBias[] {
  const bias = Object.entries(given).map(([id, value]) => [Number(id), value] as const);
  const unknown = bias.find(([id]) => id >= vocabSize);
  if (!unknown) return bias;
  throw new GemmaError(
    'option-invalid',
    `logit_bias has token ${unknown[0]}; the model's tokens are 0 to ${vocabSize - 1}`,
    {detail: {option: 'logit_bias', token: unknown[0]}},
  );
}

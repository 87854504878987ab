// A request's options as a generation: prompt ids, sampler, output. Every option of the wire has its one place here.
import type {Generation} from '../chat/generate.ts';
import {checkPrompt} from '../chat/generate.ts';
import {type OutputParser, rawText, TextOutput} from '../chat/text-output.ts';
import type {ChatRequest, CompletionRequest, GenerationOptions} from '../protocol/messages.ts';
import type {LoadedModel} from './loaded-model.ts';

/** @throws GemmaError `template-invalid`, `context-overflow`, `option-invalid` */
export function chatGeneration(model: LoadedModel, client: object, request: ChatRequest): Generation {
  const {messages, tools, thinking} = request;
  const prompt = model.renderToTokens({messages, tools, thinking, addGenerationPrompt: true});
  return generation(model, client, request, prompt, model.createParser(prompt));
}

/** @throws GemmaError `context-overflow`, `option-invalid` */
export function completionGeneration(model: LoadedModel, client: object, request: CompletionRequest): Generation {
  const {tokenizer} = model;
  const {prompt: given} = request;
  const prompt = typeof given === 'string' ? tokenizer.encode(given, {parseSpecial: true}) : given;
  const result = generation(model, client, request, prompt, rawText);
  if (!request.echo) return result;
  // Ids speak for themselves; a text gets its bos from us, unless it begins with one.
  if (typeof given !== 'string') {
    return {...result, echo: {text: tokenizer.decode(prompt, {special: true}), addedBos: false}};
  }
  const addedBos = prompt[0] === tokenizer.bosId && !given.startsWith(tokenizer.tokenText(tokenizer.bosId));
  return {...result, echo: {text: given, addedBos}};
}

function generation(
  model: LoadedModel,
  client: object,
  options: GenerationOptions,
  prompt: readonly number[],
  parser: OutputParser,
): Generation {
  // Told at once, not when its turn comes.
  checkPrompt(prompt, options.max_tokens ?? Number.POSITIVE_INFINITY, model.engine);
  const logprobs = options.logprobs ?? false;
  const topLogprobs = options.top_logprobs ?? 0;
  const sampler = model.createSampler({
    temperature: options.temperature,
    topK: options.top_k,
    topP: options.top_p,
    minP: options.min_p,
    repetitionPenalty: options.repetition_penalty,
    seed: options.seed,
    logprobs,
    topLogprobs,
  });
  const output = new TextOutput(model.tokenizer.detokenizer(), parser, model.createStops(options.stop ?? []));
  return {client, prompt, sampler, output, maxTokens: options.max_tokens, logprobs, topLogprobs};
}

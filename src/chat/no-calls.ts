// Keeps an answer from calling a tool, whatever tools it was offered. Knows no template.
import type {LogitBias} from '../engine/sampling/settings.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';

/** What opens a call, in Gemma 4's vocabulary and in FunctionGemma's. */
const OPENS = ['<|tool_call>', '<start_function_call>'];

/** The biases that do; none where the vocabulary has no calls. */
export function noCalls(tokenizer: Tokenizer): LogitBias[] {
  return OPENS.map((text) => tokenizer.idOf(text)).flatMap((id) =>
    id === undefined ? [] : [[id, Number.NEGATIVE_INFINITY]],
  );
}

// Whether a prompt fits a model. Runs nothing.
import {GemmaError} from '../errors.ts';

/** The sizes of an engine that a generation has to know. */
export interface EngineShape {
  /** Positions of a sequence: prompt and answer. */
  readonly contextLength: number;
  /** Rows of the largest step. */
  readonly chunkSize: number;
  /** Token ids are below this. */
  readonly vocabSize: number;
}

/**
 * @param maxTokens tokens of the answer; one position is kept for its first token unless this is 0
 * @throws GemmaError `option-invalid` for no tokens or ids beyond the vocabulary, `context-overflow`
 */
export function checkPrompt(prompt: readonly number[], maxTokens: number, engine: EngineShape): void {
  if (prompt.length === 0) {
    throw new GemmaError('option-invalid', 'the prompt has no tokens; expected at least one', {
      detail: {option: 'prompt'},
    });
  }
  const unknown = prompt.find((id) => id >= engine.vocabSize);
  if (unknown !== undefined) {
    throw new GemmaError(
      'option-invalid',
      `the prompt has token ${unknown}; the model's tokens are 0 to ${engine.vocabSize - 1}`,
      {detail: {option: 'prompt', token: unknown}},
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

// What goes into one step. Runs none.
import type {StepInput} from '../engine/engine.ts';
import type {ChunkSize} from './chunk-size.ts';
import type {ScheduledRequest} from './scheduled-request.ts';

/** A request's rows in a step. */
export interface StepPart {
  request: ScheduledRequest;
  input: StepInput;
}

/**
 * The next token of every request that decodes, and in the rows that are left a chunk of the first prompt.
 * @param running requests with a sequence, the most important first
 * @param maxRows rows of the engine's largest step
 */
export function composeStep(running: readonly ScheduledRequest[], maxRows: number, chunk: ChunkSize): StepPart[] {
  const decoding = running.filter(({rowsLeft}) => rowsLeft === 1).slice(0, maxRows);
  const parts = decoding.map((request) => ({request, input: request.nextInput(1)}));
  const prompt = running.find(({rowsLeft}) => rowsLeft > 1);
  const room = chunk.rows(decoding.length);
  if (prompt && room > 0) parts.push({request: prompt, input: prompt.nextInput(room)});
  return parts;
}

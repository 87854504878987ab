// How far a search in one of the tokenizer's tables may go. They are half full at most and their hashes mix well, so that
// real vocabularies need some tens of steps; a file made so that all its tokens collide would need as many as it has
// tokens, each time, and hold the worker for hours. Knows no table.
import {GemmaError} from '../errors.ts';

/** Gemma 3's and 4's vocabularies need at most 36 steps. */
export const MAX_PROBES = 512;

/** @throws GemmaError `tokenizer-invalid`, always */
export function refuseCollisions(key: string): never {
  throw new GemmaError(
    'tokenizer-invalid',
    `${key}: more than ${MAX_PROBES} entries have the same place in a table; expected some tens at most. The file was ` +
      'made to be slow, or is damaged: get another',
    {detail: {key}},
  );
}

// What a chat does when it has grown beyond the context: nothing, or leave its oldest turns out. Knows no model; how
// long messages are is the caller's to say.
import {hasCode} from '../errors.ts';
import type {ChatMessage} from '../protocol/messages.ts';
import type {Pieces} from '../tokenizer/pieces.ts';

export interface FittedChat {
  prompt: number[];
  /** Messages left out, the oldest ones. */
  dropped: number;
}

/**
 * The prompt of as many of the latest turns as fit into `room` tokens. A turn is a user's message with all that
 * follows it up to the next; system messages at the beginning stay, and so does the last turn, fitting or not. It can be left
 * after each rendering, and where a rendering can.
 */
export function* dropOldestTurns(
  messages: readonly ChatMessage[],
  room: number,
  render: (messages: readonly ChatMessage[]) => Pieces<number[]>,
): Pieces<FittedChat> {
  const kept = messages.findIndex(({role}) => role !== 'system');
  const head = messages.slice(0, Math.max(0, kept));
  const starts = messages.flatMap(({role}, i) => (role === 'user' && i >= kept ? [i] : []));
  function* from(turn: number): Pieces<FittedChat> {
    const start = turn === 0 ? head.length : starts[turn];
    return {prompt: yield* render([...head, ...messages.slice(start)]), dropped: start - head.length};
  }
  function* fits(turn: number): Pieces<FittedChat | null> {
    try {
      const chat = yield* from(turn);
      return chat.prompt.length <= room ? chat : null;
    } catch (error) {
      if (hasCode(error, 'context-overflow')) return null;
      throw error;
    }
  }
  if (starts.length < 2) return yield* from(0);
  const whole = yield* fits(0);
  if (whole) return whole;
  yield;
  // The fewest turns that must go: fewer messages never make a longer prompt.
  let [low, high] = [1, starts.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (yield* fits(middle)) high = middle;
    else low = middle + 1;
    yield;
  }
  return yield* from(low);
}

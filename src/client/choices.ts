// Several answers to one prompt as one stream, or as one object. Knows no worker and not what an answer is.
import type {Usage} from '../protocol/messages.ts';
import type {Prepared} from './params.ts';

interface Piece {
  choices: unknown[];
  usage?: Usage | null;
}

/**
 * The pieces of all streams as they come, each stream's in order, and the tokens of all where `usage` says. When one fails or
 * the reader leaves, the others are left.
 */
export async function* together<T extends Piece>(
  streams: readonly AsyncGenerator<T, void, undefined>[],
  usage: Prepared<unknown>['usage'],
): AsyncGenerator<T, void, undefined> {
  const next = async (i: number) => ({i, result: await streams[i].next()});
  // In the order in which they were asked: a stream that always has a piece does not keep the others waiting.
  const asked = new Map(streams.map((_, i) => [i, next(i)]));
  const usages: Usage[] = [];
  try {
    while (asked.size > 0) {
      const {i, result} = await Promise.race(asked.values());
      asked.delete(i);
      if (result.done) continue;
      asked.set(i, next(i));
      const {usage: tokens, ...rest} = result.value;
      const piece = rest as T;
      if (tokens) usages.push(tokens);
      const done = usages.length === streams.length;
      if (usage === 'apart') {
        yield {...piece, usage: null};
        if (done) yield {...piece, choices: [], usage: sumOf(usages)};
      } else yield usage === 'last' && done ? {...piece, usage: sumOf(usages)} : piece;
    }
  } finally {
    for (const pending of asked.values()) pending.catch(() => undefined);
    for (const stream of streams) void stream.return().catch(() => undefined);
  }
}

/** One object of all answers, by index. */
export function joined<T extends {choices: unknown[]; usage: Usage}>(answers: readonly T[]): T {
  const choices = answers.flatMap((answer) => answer.choices);
  return {...answers[0], choices, usage: sumOf(answers.map(({usage}) => usage))};
}

/** The prompt is one, whatever was made of it; what was in the cache is what the first found there. */
function sumOf(usages: readonly Usage[]): Usage {
  const sum = (of: (usage: Usage) => number) => usages.reduce((total, usage) => total + of(usage), 0);
  const [first] = usages;
  const cached_tokens = Math.min(...usages.map((usage) => usage.cached_tokens));
  const completion_tokens = sum((usage) => usage.completion_tokens);
  return {
    prompt_tokens: first.prompt_tokens,
    completion_tokens,
    total_tokens: first.prompt_tokens + completion_tokens,
    cached_tokens,
    prompt_tokens_details: {cached_tokens},
    completion_tokens_details: {reasoning_tokens: sum((usage) => usage.completion_tokens_details.reasoning_tokens)},
  };
}

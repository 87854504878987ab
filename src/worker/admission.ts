// Which requests have a sequence: gives sequences while there is memory, and takes them from requests that matter less.
import type {Engine, Sequence} from '../engine/engine.ts';
import {hasCode} from '../errors.ts';
import type {ScheduledRequest} from './scheduled-request.ts';

/** The part of an engine that makes sequences. */
export type SequenceEngine = Pick<Engine, 'createSequence' | 'roomFor'>;

/**
 * Gives sequences to waiting requests in order, as far as there is room, and tells the others their positions. After it at
 * least one request has a sequence, unless all have failed.
 * @param waiting requests without a sequence, the most important first
 * @param all the same and those with a sequence
 */
export function admit(
  waiting: readonly ScheduledRequest[],
  all: ReadonlySet<ScheduledRequest>,
  engine: SequenceEngine,
): void {
  let admitted = 0;
  while (admitted < waiting.length && admitOne(waiting[admitted], all, engine)) admitted++;
  for (const [index, request] of waiting.slice(admitted).entries()) request.setPosition(index + 1);
}

/** The request that is preempted first: of those with a sequence that matter least, the one that came last. */
export function firstToPreempt(requests: Iterable<ScheduledRequest>): ScheduledRequest | undefined {
  return [...requests]
    .filter(({sequence}) => sequence)
    .reduce<ScheduledRequest | undefined>((last, each) => (last && precedes(each, last) ? last : each), undefined);
}

function precedes(a: ScheduledRequest, b: ScheduledRequest): boolean {
  return a.rank !== b.rank ? a.rank < b.rank : a.arrival < b.arrival;
}

/** Preempts requests of lower priority until there is room. False if there is none. */
function admitOne(request: ScheduledRequest, all: ReadonlySet<ScheduledRequest>, engine: SequenceEngine): boolean {
  while (!begin(request, all, engine)) {
    const last = firstToPreempt(all);
    if (!last || last.rank <= request.rank) return false;
    last.preempt();
  }
  return true;
}

/** True if it has a sequence now, or has failed. */
function begin(request: ScheduledRequest, all: ReadonlySet<ScheduledRequest>, engine: SequenceEngine): boolean {
  const alone = ![...all].some(({sequence}) => sequence);
  let sequence: Sequence;
  try {
    sequence = engine.createSequence(request.cacheableTokens, request.job.adapters?.());
  } catch (error) {
    if (!alone && hasCode(error, 'out-of-memory')) return false;
    request.fail(error);
    return true;
  }
  // If no other has one, it begins with whatever room there is: a step then says what is missing.
  if (!alone && !engine.roomFor(sequence, request.length - sequence.tokens.length)) {
    sequence.free();
    return false;
  }
  request.begin(sequence);
  request.setPosition(0);
  return true;
}

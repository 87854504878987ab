// Whether the worker lives: by its lock, and by what it answers. A lazy chunk, fetched once there is a connection.
//
// A lock that is free does not prove a death: after "Clear site data" a page has other locks than a worker that was there
// before. And a lock that is held does not prove that the worker works: one that hangs keeps it. So it is asked.
import type {Caller} from '../protocol/caller.ts';
import type {Locks} from './worker-platform.ts';

export interface Heart {
  readonly caller: Caller;
  readonly locks: Locks | undefined;
  /** Name of the lock that the worker holds as long as it lives. */
  readonly lock: string | null;
  /** Aborts when the connection has ended. */
  readonly gone: AbortSignal;
  /** Ends the caller with `worker-failed`. `how` reads after "the worker". What the client has too is passed in. */
  died(how: string): void;
  /** The next connection is to find another worker than this one, which hangs. */
  retire(): void;
  /** Milliseconds between two looks. */
  beatMs?: number;
}

/**
 * Looks without an answer after which a worker is given up. They are counted, not timed: a page that was asleep has not
 * listened. No step of a GPU holds up an answer, and nothing else in a worker takes a tenth of this.
 */
const MAX_SILENT_BEATS = 5;
/** While nothing is asked, every so many looks. */
const IDLE_BEATS = 15;

/** Ends the caller with `worker-failed` when the worker has died or hangs. */
export function watch({caller, locks, lock, gone, died, retire, beatMs = 2000}: Heart): void {
  let waiting = false;
  let beats = 0;
  const ask = (): Promise<void> => {
    waiting = true;
    beats = 0;
    return caller.call({type: 'ping'}).then(
      () => {
        waiting = false;
      },
      // The connection has ended: who waits for this has been told why.
      () => {},
    );
  };
  const timer = setInterval(() => {
    beats += 1;
    if (waiting && beats > MAX_SILENT_BEATS) {
      died(`hangs: it has not answered for ${(beatMs * MAX_SILENT_BEATS) / 1000} s. Another one is started`);
      retire();
    } else if (!waiting && (caller.busy || beats >= IDLE_BEATS)) void ask();
  }, beatMs);
  gone.addEventListener('abort', () => clearInterval(timer));
  if (!locks || lock === null) return;
  const free = async (): Promise<void> => {
    const silence = new Promise<true>((resolve) => setTimeout(() => resolve(true), 1.5 * beatMs));
    if (await Promise.race([ask(), silence])) died('has ended; load the model again');
  };
  locks.request(lock, {signal: gone}, free).catch(() => undefined);
}

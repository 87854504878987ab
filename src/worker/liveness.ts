// Whether a client lives: by its lock, and by what it answers. Owns the timers of one session.
//
// A lock that is free does not prove that a page has gone: after "Clear site data" it has other locks than a worker that was
// there before. Some pages have none at all. Such clients are asked now and then.
import type {Locks} from './worker-context.ts';

export interface ClientContact {
  /** Asks the client to say something. */
  ping(): void;
  /** The client has not answered: it is gone, or its page is busy or frozen. */
  gone(): void;
}

/** How long a page may take to answer once its lock is free. What it held is to be let go within a second of its end. */
const CONFIRM_MS = 500;
/** How often a page is asked that has no lock to prove itself by, and how often it may be silent. */
const BEAT_MS = 10_000;
const MAX_SILENT_BEATS = 3;

/** Watches one client, and tells once when it is gone. */
export class Liveness {
  readonly #contact: ClientContact;
  readonly #ended = new AbortController();
  readonly #beatMs: number;
  #silent = 0;
  #beating: ReturnType<typeof setInterval> | undefined;

  /** @param beatMs milliseconds between two questions to a client that no lock proves. Default 10 s */
  constructor(contact: ClientContact, beatMs = BEAT_MS) {
    this.#contact = contact;
    this.#beatMs = beatMs;
  }

  /** A message has come. */
  heard(): void {
    this.#silent = 0;
  }

  /** @param lock what the client holds as long as it lives; null: it can hold none */
  watch(locks: Locks | undefined, lock: string | null): void {
    const {signal} = this.#ended;
    if (!locks || lock === null) this.#beat();
    else locks.request(lock, {signal}, () => this.#confirm()).catch(() => undefined);
  }

  /** Nothing is watched any more. */
  end(): void {
    this.#ended.abort();
    clearInterval(this.#beating);
  }

  /** The lock is free: gone, unless it answers. */
  #confirm(): void {
    this.#silent = 1;
    this.#contact.ping();
    setTimeout(
      () => {
        if (this.#ended.signal.aborted) return;
        if (this.#silent > 0) this.#contact.gone();
        else this.#beat();
      },
      Math.min(CONFIRM_MS, this.#beatMs),
    );
  }

  #beat(): void {
    this.#beating ??= setInterval(() => {
      if (++this.#silent > MAX_SILENT_BEATS) this.#contact.gone();
      else this.#contact.ping();
    }, this.#beatMs);
  }
}

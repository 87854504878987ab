// Which of a client's sequences a prompt continues. Owns the sequences of all clients of one model and decides which
// are given up; a sequence is only ever offered to the client it was made for. Knows no text and runs no step.
import type {Sequence} from '../engine/engine.ts';
import {GemmaError} from '../errors.ts';

export interface ConversationOptions {
  /** Sequences a client may keep between its requests. Default 4. */
  perClient?: number;
}

interface Entry {
  readonly client: object;
  readonly sequence: Sequence;
  /** Length of the prompt it was last used for: what lies beyond was generated. */
  promptLength: number;
  lastUse: number;
  busy: boolean;
}

/** A sequence on loan. It holds the first `cached` tokens of the prompt and nothing else. */
export interface Lease {
  readonly sequence: Sequence;
  readonly cached: number;
  /** Ends the loan; what the sequence then holds may be reused. Idempotent. */
  release(): void;
}

export class ConversationPool {
  readonly #create: () => Sequence;
  readonly #perClient: number;
  readonly #entries = new Set<Entry>();
  readonly #gone = new WeakSet<object>();
  #clock = 0;

  constructor(engine: {createSequence(): Sequence}, options: ConversationOptions = {}) {
    this.#create = () => engine.createSequence();
    this.#perClient = options.perClient ?? 4;
  }

  /** Sequences that exist, on loan or not. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * @param reuse false for a sequence that holds nothing, when every row's logits are wanted
   * @throws GemmaError `out-of-memory` when no sequence can be had even after giving up every idle one
   */
  acquire(client: object, prompt: readonly number[], reuse = true): Lease {
    const idle = this.#idle(client);
    let best: Entry | undefined;
    let cached = 0;
    for (const entry of reuse ? idle : []) {
      const common = commonPrefix(entry.sequence.tokens, prompt);
      // Of equal ones the most recent, which comes last.
      if (common >= cached) [best, cached] = [entry, common];
    }
    // The last token is always run: its logits choose the first token of the answer.
    cached = Math.min(cached, prompt.length - 1);
    // A conversation that shares only a beginning (bos, a turn marker) with this one is another one, and stays.
    if (!best || cached < 1 || 2 * cached < best.promptLength) {
      cached = 0;
      best = this.#add(client, idle);
    }
    best.sequence.truncate(cached);
    best.promptLength = prompt.length;
    return this.#lend(best, cached);
  }

  /** Gives up the sequence that was idle longest, whoever's it is. False if none is idle. */
  evictIdle(): boolean {
    const [oldest] = this.#idle();
    if (oldest) this.#drop(oldest);
    return oldest !== undefined;
  }

  /** The client is gone: its idle sequences go now, those on loan at their release. */
  freeClient(client: object): void {
    this.#gone.add(client);
    for (const entry of this.#idle(client)) this.#drop(entry);
  }

  #lend(entry: Entry, cached: number): Lease {
    entry.busy = true;
    entry.lastUse = ++this.#clock;
    return {
      sequence: entry.sequence,
      cached,
      release: () => {
        if (!entry.busy) return;
        entry.busy = false;
        entry.lastUse = ++this.#clock;
        if (this.#gone.has(entry.client)) this.#drop(entry);
      },
    };
  }

  #add(client: object, idle: readonly Entry[]): Entry {
    let own = 0;
    for (const entry of this.#entries) if (entry.client === client) own += 1;
    if (own >= this.#perClient && idle.length > 0) this.#drop(idle[0]);
    for (;;) {
      try {
        const entry: Entry = {client, sequence: this.#create(), promptLength: 0, lastUse: 0, busy: false};
        this.#entries.add(entry);
        return entry;
      } catch (error) {
        if (!isOutOfMemory(error) || !this.evictIdle()) throw error;
      }
    }
  }

  /** Oldest use first. */
  #idle(client?: object): Entry[] {
    return [...this.#entries]
      .filter((entry) => !entry.busy && (client === undefined || entry.client === client))
      .sort((a, b) => a.lastUse - b.lastUse);
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry);
    entry.sequence.free();
  }
}

export function isOutOfMemory(error: unknown): boolean {
  return error instanceof GemmaError && error.code === 'out-of-memory';
}

/** How many leading ids the two share. */
export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a[i] === b[i]) i++;
  return i;
}

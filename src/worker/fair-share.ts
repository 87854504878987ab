// Which client has been served how much, and the order that follows from it. Knows no engine.
import type {ScheduledRequest} from './scheduled-request.ts';

/** Counts tokens by client and puts requests in order. */
export class FairShare {
  /** Tokens of prompts and of answers, by client. */
  readonly #served = new WeakMap<object, number>();
  readonly #decoded = new WeakMap<object, number>();

  /** A client's first request: it starts level with the client that was served least, not ahead of all. */
  join(client: object, others: readonly ScheduledRequest[]): void {
    if (others.some(({job}) => job.client === client)) return;
    const least = others.length > 0 ? Math.min(...others.map(({job}) => this.#servedTo(job.client))) : 0;
    this.#served.set(client, Math.max(least, this.#servedTo(client)));
  }

  /** Counts a step with so many rows of a client. */
  add(client: object, rows: number): void {
    this.#served.set(client, this.#servedTo(client) + rows);
    if (rows === 1) this.#decoded.set(client, this.decoded(client) + 1);
  }

  /** Tokens that steps took one by one: those of answers, and some last tokens of prompts. */
  decoded(client: object): number {
    return this.#decoded.get(client) ?? 0;
  }

  /** By priority, then by what the client was served, then by arrival. */
  order(requests: Iterable<ScheduledRequest>): ScheduledRequest[] {
    const served = ({job}: ScheduledRequest): number => this.#servedTo(job.client);
    return [...requests].sort((a, b) => a.rank - b.rank || served(a) - served(b) || a.arrival - b.arrival);
  }

  #servedTo(client: object): number {
    return this.#served.get(client) ?? 0;
  }
}

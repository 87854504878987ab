// Whose turn it is. Queues generations, in turn between clients, and lets one at a time have the engine. Knows no
// tokens and no messages. A job only ever sees `step`: a scheduler that puts the rows of several jobs into one engine
// step gives its jobs the same function.
import type {Step} from '../chat/generate.ts';
import type {Engine} from '../engine/engine.ts';
import type {Meter} from './meter.ts';

export interface Job {
  client: object;
  signal: AbortSignal;
  /** Jobs that go first; 0 when its turn has come. Called on every change. */
  onPosition?(position: number): void;
  work(step: Step): Promise<void>;
}

interface Queued extends Job {
  start(): void;
}

export class Scheduler {
  readonly #step: Step;
  /** Waiting jobs by client. The order of the keys is the order of turns. */
  readonly #queues = new Map<object, Queued[]>();
  readonly #positions = new WeakMap<Queued, number>();
  #running = false;

  constructor(engine: Pick<Engine, 'step'>, meter?: Meter) {
    this.#step = async (input) => {
      const started = performance.now();
      const [rows] = await engine.step([input]);
      meter?.add(input.tokens.length, performance.now() - started);
      return rows;
    };
  }

  /** Jobs that wait, without the one that runs. */
  get queued(): number {
    return this.#order().length;
  }

  /**
   * Resolves when the job's work is done; rejects with what it throws.
   * @throws AbortError at once if the signal aborts while the job waits. Its work is never begun then.
   */
  run(job: Job): Promise<void> {
    return new Promise((resolve, reject) => {
      if (job.signal.aborted) return reject(job.signal.reason);
      const leave = (): void => {
        this.#remove(queued);
        reject(job.signal.reason);
      };
      const queued: Queued = {
        ...job,
        start: () => {
          job.signal.removeEventListener('abort', leave);
          this.#running = true;
          job
            .work(this.#step)
            .then(resolve, reject)
            .finally(() => {
              this.#running = false;
              this.#next();
            });
        },
      };
      job.signal.addEventListener('abort', leave);
      const queue = this.#queues.get(job.client);
      if (queue) queue.push(queued);
      else this.#queues.set(job.client, [queued]);
      if (this.#running) this.#announce();
      else this.#next();
    });
  }

  #next(): void {
    const [client, queue] = this.#queues.entries().next().value ?? [];
    if (!client || !queue) return;
    const job = queue.shift() as Queued;
    // To the end of the line, if more of its jobs wait.
    this.#queues.delete(client);
    if (queue.length > 0) this.#queues.set(client, queue);
    job.onPosition?.(0);
    job.start();
    this.#announce();
  }

  #remove(job: Queued): void {
    const queue = this.#queues.get(job.client);
    const index = queue?.indexOf(job) ?? -1;
    if (!queue || index < 0) return;
    queue.splice(index, 1);
    if (queue.length === 0) this.#queues.delete(job.client);
    this.#announce();
  }

  /** Turn by turn: every client's first, every client's second, … */
  #order(): Queued[] {
    const queues = [...this.#queues.values()];
    const order: Queued[] = [];
    for (let turn = 0; queues.some((queue) => queue.length > turn); turn++) {
      for (const queue of queues) if (queue[turn]) order.push(queue[turn]);
    }
    return order;
  }

  #announce(): void {
    for (const [index, job] of this.#order().entries()) {
      if (this.#positions.get(job) === index + 1) continue;
      this.#positions.set(job, index + 1);
      job.onPosition?.(index + 1);
    }
  }
}

// A BERT on all cores: threads that each hold the model, and texts handed out to them. Knows no passages.
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {BertVectors, readBertModel} from './bert-model.ts';

/** What makes a thread of this module one of a pool. */
interface ThreadData {
  embedsWith: string;
}

/** Texts that a thread gets at a time: as few as keep the last ones busy together. */
const TEXTS = 4;

interface Batch {
  texts: readonly string[];
  done(vectors: Float32Array[]): void;
  failed(error: unknown): void;
}

/** Threads start with the first text, and end with `destroy`. */
export class BertPool {
  readonly #folder: string;
  readonly #count: number;
  readonly #threads: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Batch>();
  readonly #waiting: Batch[] = [];

  /** @param folder of the model; @param count threads */
  constructor(folder: string, count: number) {
    this.#folder = folder;
    this.#count = count;
  }

  /** As `BertVectors.vector`, of each text. @throws what the model's folder fails with */
  async vectors(texts: readonly string[]): Promise<Float32Array[]> {
    this.#start();
    const batches: Promise<Float32Array[]>[] = [];
    for (let at = 0; at < texts.length; at += TEXTS) {
      batches.push(
        new Promise((done, failed) => {
          this.#waiting.push({texts: texts.slice(at, at + TEXTS), done, failed});
        }),
      );
    }
    this.#handOut();
    return (await Promise.all(batches)).flat();
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.terminate()));
  }

  #start(): void {
    while (this.#threads.length < this.#count) {
      const data: ThreadData = {embedsWith: this.#folder};
      const thread = new Worker(new URL(import.meta.url), {workerData: data});
      thread.on('message', (vectors: Float32Array[]) => {
        this.#running.get(thread)?.done(vectors);
        this.#running.delete(thread);
        this.#idle.push(thread);
        this.#handOut();
      });
      thread.on('error', (error) => {
        for (const batch of [...this.#running.values(), ...this.#waiting.splice(0)]) batch.failed(error);
      });
      this.#threads.push(thread);
      this.#idle.push(thread);
    }
  }

  #handOut(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const thread = this.#idle.pop()!;
      const batch = this.#waiting.shift()!;
      this.#running.set(thread, batch);
      thread.postMessage(batch.texts);
    }
  }
}

async function serve({embedsWith}: ThreadData): Promise<void> {
  const texts: string[][] = [];
  let encoder: BertVectors | null = null;
  const answer = (all: string[]): void => parentPort!.postMessage(all.map((text) => encoder!.vector(text)));
  parentPort!.on('message', (all: string[]) => (encoder ? answer(all) : texts.push(all)));
  encoder = new BertVectors(await readBertModel(embedsWith));
  for (const all of texts) answer(all);
}

if (!isMainThread && typeof (workerData as Partial<ThreadData> | null)?.embedsWith === 'string') {
  void serve(workerData as ThreadData);
}

// Three tabs with ten clients keep fifty generations going at a time, stop half of them at random, and lose a device, a worker
// that crashes, one that hangs, and the site's storage meanwhile. The clients, the worker's sessions and the scheduler are the
// product's, the engine is one that knows what it has to say. Everything random comes from a seed.
import {seededRandom} from '../../scripts/model-files/random.ts';
import type {Platform} from '../../src/client/connect.ts';
import {GemmaClient} from '../../src/client/gemma-client.ts';
import {continuation, tinyTokenizer} from '../helpers/fake-engine.ts';
import {FakeLocks, FakeWorker, impatient} from '../helpers/fake-worker.ts';

const TABS = 3;
const CLIENTS = 10;
const AT_A_TIME = 5;
const MOST_TOKENS = 60;

export interface SoakReport {
  finished: number;
  stopped: number;
  /** What has been done to the site. */
  blows: string[];
  /** Wrong texts, and errors that no one asked for. */
  findings: string[];
  /** Megabytes that the heap has after the first blow and at the end. */
  heap: {early: number; late: number};
}

/** The workers of a site: a page that asks for one gets the latest. */
class Site {
  readonly workers: FakeWorker[] = [];
  /** Tabs opened after the storage was cleared have other locks than the worker. */
  locks = new FakeLocks();

  constructor() {
    this.start();
  }

  start(): void {
    this.workers.push(new FakeWorker({locks: this.locks, clock: impatient(), maxSequences: 16, contextLength: 256}));
  }

  get latest(): FakeWorker {
    return this.workers[this.workers.length - 1];
  }

  load(): Promise<GemmaClient> {
    const site = this;
    const platform: Platform = {
      ...this.latest.platform(),
      locks: this.locks,
      SharedWorker: class extends EventTarget {
        readonly port = site.latest.connect();
      },
    };
    return GemmaClient.load({modelSrc: 'model.gguf', workerSrc: '/gemma-chat.worker.js'}, platform);
  }
}

/** @param beat called now and then, with what was done so far */
export async function soak(seconds: number, seed: number, beat?: (report: SoakReport) => void): Promise<SoakReport> {
  const random = seededRandom(seed);
  const below = (n: number): number => random.u32() % n;
  const tokenizer = tinyTokenizer();
  const site = new Site();
  const report: SoakReport = {finished: 0, stopped: 0, blows: [], findings: [], heap: {early: 0, late: 0}};
  const end = performance.now() + seconds * 1000;
  const clients = await Promise.all(Array.from({length: CLIENTS}, () => site.load()));

  const generation = async (slot: number): Promise<void> => {
    const prompt = `the page ${below(40)}`;
    const tokens = 1 + below(MOST_TOKENS);
    const expected = tokenizer.decode(continuation(tokenizer.encode(prompt), tokens));
    const stopAfter = below(2) === 0 ? below(tokens) : Number.POSITIVE_INFINITY;
    const abort = new AbortController();
    let text = '';
    try {
      const options = {prompt, max_tokens: tokens, temperature: 0, stream: true, signal: abort.signal} as const;
      let chunks = 0;
      for await (const {choices} of await clients[slot].completions.create(options)) {
        text += choices[0].text;
        if (++chunks > stopAfter) {
          if (below(2) === 0) break;
          abort.abort();
        }
      }
    } catch (error) {
      if (!(abort.signal.aborted && (error as Error).name === 'AbortError')) {
        report.findings.push(
          `${(error as Error).name} ${(error as {code?: string}).code}: ${(error as Error).message}`,
        );
      }
    }
    const whole = text === expected;
    if (stopAfter === Number.POSITIVE_INFINITY ? !whole : !expected.startsWith(text)) {
      report.findings.push(`${JSON.stringify(prompt)}: ${JSON.stringify(text)}, expected ${JSON.stringify(expected)}`);
    }
    if (whole) report.finished += 1;
    else report.stopped += 1;
  };

  const blows: Record<string, () => Promise<void> | void> = {
    'a device is lost': () => site.latest.models.at(-1)?.lose(),
    'a worker crashes': () => {
      const dead = site.latest;
      site.start();
      dead.stop();
    },
    'a worker hangs': () => {
      const hung = site.latest;
      site.start();
      hung.hang();
    },
    async 'the storage is cleared, and a tab reloads'() {
      site.locks = new FakeLocks();
      const tab = below(TABS);
      for (let slot = tab; slot < CLIENTS; slot += TABS) {
        const before = clients[slot];
        clients[slot] = await site.load();
        // What it was asked is ended by the page that goes: let it end first.
        void settled(slot).then(() => before.close());
      }
    },
  };
  const running = new Map<number, Set<Promise<void>>>();
  const settled = (slot: number): Promise<unknown> => Promise.allSettled([...(running.get(slot) ?? [])]);

  const keepGoing = async (slot: number): Promise<void> => {
    while (performance.now() < end) {
      const one = generation(slot);
      const all = running.get(slot) ?? new Set();
      running.set(slot, all.add(one));
      await one;
      all.delete(one);
    }
  };
  const strike = async (): Promise<void> => {
    for (let i = 0; performance.now() < end; i++) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * seconds, 15_000) / 8));
      const names = Object.keys(blows);
      const name = names[i % names.length];
      if (performance.now() >= end) break;
      report.blows.push(name);
      await blows[name]();
      const megabytes = process.memoryUsage().heapUsed / 2 ** 20;
      if (i === names.length) report.heap.early = megabytes;
      report.heap.late = megabytes;
      beat?.(report);
    }
  };
  const slots = Array.from({length: CLIENTS * AT_A_TIME}, (_, i) => keepGoing(i % CLIENTS));
  await Promise.all([...slots, strike()]);
  for (const client of clients) client.close();
  return report;
}

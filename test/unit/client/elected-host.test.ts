// Tabs of a site without shared workers: who is host, and what becomes of the others when it goes.
import {expect} from 'chai';
import type {Platform} from '../../../src/client/connect.ts';
import {GemmaClient, type LoadOptions} from '../../../src/client/gemma-client.ts';
import type {Locks} from '../../../src/client/worker-platform.ts';
import type {WorkerMessage} from '../../../src/protocol/messages.ts';
import {serve} from '../../../src/worker/serve.ts';
import {continuation, tinyTokenizer} from '../../helpers/fake-engine.ts';
import {
  BEAT_MS,
  Channel,
  closePorts,
  FakeLocks,
  FakeWorker,
  type FakeWorkerOptions,
  fakeModel,
  rejection,
  until,
} from '../../helpers/fake-worker.ts';

const WORKER = 'https://site.example/gemma-chat.worker.js';
const greedy = {temperature: 0};

/** A tab's share of the site's locks: a process that ends takes along what it holds and what it waits for. */
class TabLocks implements Locks {
  readonly #all: FakeLocks;
  readonly #held = new Set<string>();
  readonly #ended = new AbortController();

  constructor(all: FakeLocks) {
    this.#all = all;
  }

  request(name: string, {signal}: {signal?: AbortSignal}, held: () => unknown): Promise<unknown> {
    // Nothing is done any more.
    if (this.#ended.signal.aborted) return new Promise(() => {});
    const signals = [this.#ended.signal, ...(signal ? [signal] : [])];
    return this.#all.request(name, {signal: AbortSignal.any(signals)}, async () => {
      this.#held.add(name);
      try {
        return await held();
      } finally {
        this.#held.delete(name);
      }
    });
  }

  end(): void {
    this.#ended.abort(new Error('the process has ended'));
    for (const name of [...this.#held]) this.#all.kill(name);
  }
}

/** Tabs of one browser. */
class Site {
  readonly locks = new FakeLocks();
  readonly tabs: Tab[] = [];
  readonly options: FakeWorkerOptions;

  constructor(options: FakeWorkerOptions = {}) {
    this.options = options;
  }

  tab(change: Partial<Platform> = {}): Tab {
    const tab = new Tab(this, change);
    this.tabs.push(tab);
    return tab;
  }

  /** How many workers each tab has running. */
  get running(): number[] {
    return this.tabs.map(({workers}) => workers.filter(({terminated}) => !terminated).length);
  }
}

class Tab {
  readonly workers: {fake: FakeWorker; terminated: boolean}[] = [];
  readonly #site: Site;
  readonly #locks: TabLocks;
  readonly #change: Partial<Platform>;
  readonly #onGone = new Set<() => void>();
  readonly #onStops = new Set<() => void>();

  constructor(site: Site, change: Partial<Platform>) {
    this.#site = site;
    this.#locks = new TabLocks(site.locks);
    this.#change = change;
  }

  platform(): Platform {
    const {workers} = this;
    const {locks, options} = this.#site;
    const listen = (listeners: Set<() => void>) => (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    return {
      origin: 'https://site.example',
      baseUrl: 'https://site.example/page/',
      locks: this.#locks,
      BroadcastChannel: Channel,
      Worker: class extends EventTarget {
        readonly #own = {fake: new FakeWorker({...options, locks}), terminated: false};
        constructor() {
          super();
          workers.push(this.#own);
        }
        postMessage(message: WorkerMessage, [port]: Transferable[] = []): void {
          if (message.type === 'host') this.#own.fake.host(message.name);
          else if (message.type === 'ping') {
            if (!this.#own.fake.hangs) this.dispatchEvent(new MessageEvent('message', {data: {type: 'pong'}}));
          } else serve(port as MessagePort, this.#own.fake.context);
        }
        terminate(): void {
          this.#own.terminated = true;
          this.#own.fake.stop();
        }
      },
      onPageGone: listen(this.#onGone),
      onPageStops: listen(this.#onStops),
      ...this.#change,
    };
  }

  load(options: Partial<LoadOptions> = {}): Promise<GemmaClient> {
    return GemmaClient.load({modelSrc: 'model.gguf', workerSrc: WORKER, ...options}, this.platform());
  }

  /** Closed, reloaded, or put into the back-forward cache. */
  leave(): void {
    for (const listener of [...this.#onGone, ...this.#onStops]) listener();
  }

  freeze(): void {
    for (const listener of [...this.#onStops]) listener();
  }

  /** Its worker answers nothing any more, and does not end. */
  hang(): void {
    for (const {fake} of this.workers) fake.hang();
  }

  /** Ends without a word, and its worker with it. */
  crash(): void {
    for (const worker of this.workers) {
      worker.terminated = true;
      worker.fake.stop();
    }
    this.#locks.end();
  }
}

/** What the model says to `prompt`, whichever worker computes it. */
const expected = (prompt: string, tokens: number) =>
  tinyTokenizer().decode(continuation(tinyTokenizer().encode(prompt), tokens));

async function answer(client: GemmaClient, prompt: string, tokens = 12): Promise<string> {
  const {choices} = await client.completions.create({prompt, max_tokens: tokens, ...greedy});
  return choices[0].text;
}

describe('an elected host', () => {
  afterEach(closePorts);

  it('serves all tabs, also those that come at once, with one worker and one model', async () => {
    const site = new Site();
    const clients = await Promise.all([site.tab(), site.tab(), site.tab()].map((tab) => tab.load()));
    expect(clients.map(({shared}) => shared)).to.deep.equal([true, true, true]);
    const texts = await Promise.all(clients.map((client, i) => answer(client, `the page ${i}`)));
    expect(texts).to.deep.equal(clients.map((_, i) => expected(`the page ${i}`, 12)));
    // The one that came first.
    const started = site.tabs.flatMap(({workers}) => workers);
    expect(started.map(({fake}) => fake.models.length)).to.deep.equal([1]);
    const {clients: count, models} = await clients[2].stats();
    expect([count, models]).to.deep.equal([3, 1]);
  });

  it('is one a worker script: two versions of it do not meet', async () => {
    const site = new Site();
    const [one, two] = [await site.tab().load(), await site.tab().load({workerSrc: `${WORKER}?other`})];
    expect(site.running).to.deep.equal([1, 1]);
    expect([(await one.stats()).clients, (await two.stats()).clients]).to.deep.equal([1, 1]);
  });

  const ends: Record<string, (host: Tab) => void> = {
    'is closed or left': (host) => host.leave(),
    crashes: (host) => host.crash(),
    'is frozen': (host) => host.freeze(),
  };
  for (const [name, end] of Object.entries(ends)) {
    it(`is followed by another tab when it ${name}: answers go on, token for token`, async () => {
      const site = new Site();
      const host = site.tab();
      await host.load();
      const clients = [await site.tab().load(), await site.tab().load()];
      const said = clients.map(() => 0);
      const answers = clients.map(async (client, i) => {
        const stream = await client.completions.create({
          prompt: `the page ${i}`,
          max_tokens: 40,
          stream: true,
          ...greedy,
        });
        let text = '';
        for await (const {choices} of stream) {
          text += choices[0].text;
          said[i] += 1;
        }
        return text;
      });
      await until(() => said.every((count) => count > 5));
      end(host);
      expect(await Promise.all(answers)).to.deep.equal(clients.map((_, i) => expected(`the page ${i}`, 40)));
      // Which of the two is next does not matter.
      expect(site.running.sort()).to.deep.equal([0, 0, 1]);
      expect((await clients[1].stats()).models).to.equal(1);
    });
  }

  it('ends its worker when that hangs, and another tab follows', async () => {
    const site = new Site();
    const host = site.tab({beatMs: BEAT_MS});
    await host.load();
    const client = await site.tab({beatMs: BEAT_MS}).load();
    host.hang();
    expect(await answer(client, 'the page')).to.equal(expected('the page', 12));
    expect(host.workers[0].terminated).to.equal(true);
    expect(site.running.sort()).to.deep.equal([0, 1]);
  });

  it('that was frozen is a client of the next one when it thaws', async () => {
    const site = new Site();
    const [frozen, other] = [site.tab(), site.tab()];
    const [mine, theirs] = [await frozen.load(), await other.load()];
    frozen.freeze();
    expect(await answer(mine, 'the page')).to.equal(expected('the page', 12));
    await until(() => site.running[1] === 1);
    expect(site.running).to.deep.equal([0, 1]);
    expect((await theirs.stats()).clients).to.equal(2);
  });

  it('stays host when its own clients have closed, as long as the tab lives', async () => {
    const site = new Site();
    const [host, other] = [site.tab(), site.tab()];
    const own = await host.load();
    const client = await other.load();
    own.close();
    expect(await answer(client, 'the page')).to.equal(expected('the page', 12));
    expect(site.running).to.deep.equal([1, 0]);
    expect(other.workers).to.have.length(0);
  });

  it('is none of the tabs whose clients have all closed', async () => {
    const site = new Site();
    const [host, idle, last] = [site.tab(), site.tab(), site.tab()];
    await host.load();
    (await idle.load()).close();
    const client = await last.load();
    host.leave();
    expect(await answer(client, 'the page')).to.equal(expected('the page', 12));
    expect(site.running).to.deep.equal([0, 0, 1]);
  });

  it('may go while a model loads: the load goes on in the next one, and tells its progress', async () => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let loads = 0;
    const site = new Site();
    site.options.load = async (_ref, {onProgress}) => {
      loads += 1;
      onProgress?.({phase: 'download', fraction: 0.1 * loads, loadedBytes: loads, totalBytes: 10});
      if (loads === 1) await held;
      return fakeModel();
    };
    const [host, other] = [site.tab(), site.tab()];
    const first = rejection(host.load());
    await until(() => loads === 1);
    const seen: number[] = [];
    const loading = other.load({onProgress: ({loadedBytes}) => seen.push(loadedBytes)});
    await until(() => seen.includes(1));
    host.leave();
    const client = await loading;
    expect(seen.at(-1)).to.equal(2);
    expect(await answer(client, 'the page')).to.equal(expected('the page', 12));
    expect((await first).code).to.equal('closed');
    release();
  });

  it('does not come of a tab whose worker fails, which has the next one’s', async () => {
    const site = new Site();
    const broken = site.tab({
      Worker: class extends EventTarget {
        constructor() {
          super();
          setImmediate(() => this.dispatchEvent(new Event('error')));
        }
        postMessage(): void {}
        terminate(): void {}
      },
    });
    expect((await rejection(broken.load())).code).to.equal('worker-failed');
    const client = await site.tab().load();
    expect(site.running).to.deep.equal([0, 1]);
    expect(await answer(client, 'the page')).to.equal(expected('the page', 12));
    expect((await broken.load()).shared).to.equal(true);
  });

  it('is chosen where a shared worker has no WebGPU', async () => {
    const site = new Site();
    const blind = new FakeWorker({webgpu: false, locks: site.locks});
    const SharedWorker = class extends EventTarget {
      readonly port = blind.connect();
    };
    const clients = [await site.tab({SharedWorker}).load(), await site.tab({SharedWorker}).load()];
    expect(site.running).to.deep.equal([1, 0]);
    expect((await clients[0].stats()).clients).to.equal(2);
    await until(() => blind.context.sessions.size === 0);
  });

  const denied: Locks = {request: () => Promise.reject(new DOMException('denied', 'SecurityError'))};
  const withoutElection: Record<string, Partial<Platform>> = {
    'there are no Web Locks': {locks: undefined},
    'the page may not have them': {locks: denied},
    'there is no BroadcastChannel': {BroadcastChannel: undefined},
  };
  for (const [name, change] of Object.entries(withoutElection)) {
    it(`is done without where ${name}: the tab has a worker of its own, while it needs it`, async () => {
      const site = new Site();
      const client = await site.tab(change).load();
      expect([client.shared, site.running]).to.deep.equal([false, [1]]);
      expect(await answer(client, 'the page')).to.equal(expected('the page', 12));
      client.close();
      expect(site.running).to.deep.equal([0]);
    });
  }
});

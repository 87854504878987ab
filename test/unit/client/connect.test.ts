import {expect} from 'chai';
import {connect, type Platform} from '../../../src/client/connect.ts';
import {GemmaClient} from '../../../src/client/gemma-client.ts';
import {workerUrl} from '../../../src/client/worker-url.ts';
import {PROTOCOL_VERSION} from '../../../src/protocol/messages.ts';
import {serve} from '../../../src/worker/serve.ts';
import {BEAT_MS, closePorts, FakeLocks, FakeWorker, rejection, until} from '../../helpers/fake-worker.ts';

const script = new URL('https://site.example/gemma-chat.worker.js');

/** The two kinds of worker as constructors that say what they were asked for. */
class FakeBrowser {
  readonly made: {kind: 'shared' | 'dedicated'; url: string; type: string}[] = [];
  terminated = 0;
  gone: (() => void) | undefined;
  readonly #worker: FakeWorker;

  constructor(worker: FakeWorker) {
    this.#worker = worker;
  }

  /** `shared`: what a shared worker does; left out, there are none. */
  platform(
    shared?: 'works' | 'fails' | 'throws' | 'silent',
    dedicated: 'works' | 'fails' | 'throws' = 'works',
  ): Platform {
    const browser = this;
    const worker = this.#worker;
    class Shared extends EventTarget {
      readonly port: MessagePort;
      constructor(url: string, {type}: {type: string}) {
        super();
        browser.made.push({kind: 'shared', url, type});
        if (shared === 'throws') throw new DOMException('refused by the policy', 'SecurityError');
        this.port = shared === 'works' ? worker.connect() : new MessageChannel().port1;
        if (shared === 'fails') setImmediate(() => this.dispatchEvent(new Event('error')));
      }
    }
    class Dedicated extends EventTarget {
      constructor(url: string, {type}: {type: string}) {
        super();
        browser.made.push({kind: 'dedicated', url, type});
        if (dedicated === 'throws') throw new DOMException('refused by the policy', 'SecurityError');
        if (dedicated === 'fails') setImmediate(() => this.dispatchEvent(new Event('error')));
      }
      postMessage(message: unknown, [port]: Transferable[]): void {
        expect(message).to.deep.equal({type: 'connect'});
        if (dedicated === 'works') serve(port as MessagePort, worker.context);
      }
      terminate(): void {
        browser.terminated += 1;
      }
    }
    return {
      origin: 'https://site.example',
      baseUrl: 'https://site.example/page/',
      locks: worker.locks,
      beatMs: BEAT_MS,
      ...(shared && {SharedWorker: Shared}),
      Worker: Dedicated,
      onPageGone: (listener) => {
        browser.gone = listener;
        return () => {
          browser.gone = undefined;
        };
      },
    };
  }

  get kinds(): string[] {
    return this.made.map(({kind}) => kind);
  }
}

describe('connect', () => {
  afterEach(closePorts);

  it('uses a shared module worker where there is one', async () => {
    const browser = new FakeBrowser(new FakeWorker());
    const connection = await connect(script, browser.platform('works'));
    expect(connection.shared).to.equal(true);
    expect(browser.made).to.deep.equal([{kind: 'shared', url: script.href, type: 'module'}]);
    connection.close();
  });

  const fallbacks = {
    'there are no shared workers': undefined,
    'its script does not load as a shared worker': 'fails',
    'the browser refuses a shared worker': 'throws',
  } as const;
  for (const [reason, shared] of Object.entries(fallbacks)) {
    it(`uses a dedicated one where ${reason}`, async () => {
      const browser = new FakeBrowser(new FakeWorker());
      const connection = await connect(script, browser.platform(shared));
      expect([connection.shared, browser.kinds.at(-1)]).to.deep.equal([false, 'dedicated']);
      connection.close();
    });
  }

  it('uses a dedicated one where the shared one has no WebGPU, and says goodbye to it', async () => {
    const blind = new FakeWorker({webgpu: false});
    const browser = new FakeBrowser(blind);
    const connection = await connect(script, browser.platform('works'));
    expect(browser.kinds).to.deep.equal(['shared', 'dedicated']);
    await until(() => blind.context.sessions.size === 1);
    connection.close();
  });

  it('imports a script of another origin from a module of this page', async () => {
    const browser = new FakeBrowser(new FakeWorker());
    const foreign = new URL('https://cdn.example/gemma-chat.worker.js');
    const connection = await connect(foreign, browser.platform('works'));
    const [{kind, url, type}] = browser.made;
    expect([connection.shared, kind, type]).to.deep.equal([false, 'dedicated', 'module']);
    expect(await (await fetch(url)).text()).to.equal(`import "${foreign.href}";`);
    connection.close();
  });

  it('shares a dedicated worker between the clients of a page, and ends it after the last', async () => {
    const browser = new FakeBrowser(new FakeWorker());
    const platform = browser.platform();
    const [one, two] = [await connect(script, platform), await connect(script, platform)];
    expect(browser.made).to.have.length(1);
    one.close();
    one.close();
    expect(browser.terminated).to.equal(0);
    two.close();
    expect(browser.terminated).to.equal(1);
    (await connect(script, platform)).close();
    expect([browser.made.length, browser.terminated]).to.deep.equal([2, 2]);
  });

  describe('fails with `worker-failed`, never hangs', () => {
    for (const how of ['fails', 'throws'] as const) {
      it(`when no script ${how === 'fails' ? 'loads' : 'is allowed'}`, async () => {
        const browser = new FakeBrowser(new FakeWorker());
        for (const shared of [undefined, how]) {
          const error = await rejection(connect(script, browser.platform(shared, how)));
          expect(error.code).to.equal('worker-failed');
          expect(error.message).to.include('https://site.example/gemma-chat.worker.js');
        }
        // Nothing is left behind: the next attempt starts a new worker.
        const before = browser.made.length;
        (await connect(script, browser.platform())).close();
        expect(browser.made.length).to.equal(before + 1);
      });
    }

    it('when there are no workers at all', async () => {
      const platform = {...new FakeBrowser(new FakeWorker()).platform(), Worker: undefined};
      expect((await rejection(connect(script, platform))).code).to.equal('worker-failed');
    });

    it('when the script runs but says nothing', async () => {
      const browser = new FakeBrowser(new FakeWorker());
      const platform = {...browser.platform('silent'), Worker: undefined};
      expect((await rejection(connect(script, platform, {patienceMs: 1}))).code).to.equal('worker-failed');
    });
  });

  it('stops on abort', async () => {
    const browser = new FakeBrowser(new FakeWorker());
    const abort = new AbortController();
    const stopped = rejection(connect(script, browser.platform('silent'), {signal: abort.signal}));
    await until(() => browser.made.length === 1);
    abort.abort();
    expect((await stopped).name).to.equal('AbortError');
  });

  it('holds its lock before it says hello, and gives it back on close', async () => {
    const worker = new FakeWorker();
    const connection = await connect(script, new FakeBrowser(worker).platform('works'));
    expect(worker.locks?.held('gemma-chat-client')).to.have.length(1);
    expect(worker.context.sessions.size).to.equal(1);
    connection.close();
    await until(() => worker.locks?.held('gemma-chat-client').length === 0);
  });

  it('notices a worker that died: everything fails with `worker-failed`', async () => {
    const worker = new FakeWorker();
    const {caller} = await connect(script, new FakeBrowser(worker).platform('works'));
    const pending = rejection(caller.call({type: 'load', model: {url: 'x'}}));
    worker.crash();
    expect((await caller.lost).code).to.equal('worker-failed');
    await pending.catch(() => {}); // the load itself may have been quicker
    expect((await rejection(caller.call({type: 'stats'}))).code).to.equal('worker-failed');
  });

  for (const [how, locks] of [
    ['that hangs and keeps its lock', undefined],
    ['whose lock it cannot see', new FakeLocks()],
  ] as const) {
    it(`notices a worker ${how}`, async () => {
      const worker = new FakeWorker();
      const platform = new FakeBrowser(worker).platform('works');
      const {caller} = await connect(script, locks ? {...platform, locks} : platform);
      await new Promise((resolve) => setTimeout(resolve, 5 * BEAT_MS));
      expect(caller.ended).to.equal(null);
      worker.hang();
      expect((await caller.lost).code).to.equal('worker-failed');
    });
  }

  it('says goodbye when the page goes', async () => {
    const worker = new FakeWorker();
    const browser = new FakeBrowser(worker);
    await connect(script, browser.platform('works'));
    browser.gone?.();
    await until(() => worker.context.sessions.size === 0);
  });

  it('works without Web Locks', async () => {
    const worker = new FakeWorker({locks: undefined});
    const client = await GemmaClient.load(
      {modelSrc: 'm.gguf', workerSrc: script},
      new FakeBrowser(worker).platform('works'),
    );
    expect((await client.stats()).clients).to.equal(1);
    client.close();
    await until(() => worker.context.sessions.size === 0);
  });
});

describe('workerUrl', () => {
  const base = 'https://site.example/page/index.html';

  it('is the file beside the script, unless told otherwise', () => {
    expect(workerUrl().href).to.match(/\/gemma-chat\.worker\.js$/);
    expect(workerUrl('../w.js', base).pathname).to.equal('/w.js');
  });

  it('carries the protocol’s version beside a query of the page’s', () => {
    expect(workerUrl('/w.js?build=5', base).search).to.equal(`?build=5&gemma-chat=${PROTOCOL_VERSION}`);
  });

  it('leaves URLs alone that have no query', () => {
    expect(workerUrl('blob:https://site.example/1-2', base).href).to.equal('blob:https://site.example/1-2');
  });
});

import {expect} from 'chai';
import {GemmaError} from '../../../src/errors.ts';
import type {LoadProgress} from '../../../src/protocol/messages.ts';
import type {LoadedModel, LoadOptions} from '../../../src/worker/loaded-model.ts';
import {ModelHost, type ModelUser} from '../../../src/worker/model-host.ts';
import {type FakeModel, fakeModel, rejection, until} from '../../helpers/fake-worker.ts';

const at = (fraction: number): LoadProgress => ({phase: 'download', fraction, loadedBytes: 1, totalBytes: 2});
const url = {url: 'https://site.example/a.gguf'};
const other = {url: 'https://site.example/b.gguf'};

interface Load {
  options: LoadOptions;
  resolve(model: LoadedModel): void;
  reject(error: unknown): void;
}

describe('ModelHost', () => {
  let loads: Load[];
  let host: ModelHost;
  const user = (): ModelUser & {losses: GemmaError[]} => {
    const losses: GemmaError[] = [];
    return {losses, lost: (error) => losses.push(error)};
  };
  const [a, b, c] = [user(), user(), user()];

  beforeEach(() => {
    loads = [];
    host = new ModelHost(
      (_ref, options) =>
        new Promise((resolve, reject) => {
          loads.push({options, resolve, reject});
          options.signal.addEventListener('abort', () => reject(options.signal.reason));
        }),
    );
    for (const one of [a, b]) one.losses.length = 0;
  });

  async function ready(model: FakeModel = fakeModel()): Promise<FakeModel> {
    const loading = host.load(a, url);
    await until(() => loads.length > 0);
    loads[loads.length - 1].resolve(model);
    await loading;
    return model;
  }

  it('loads once for all who ask before, during and after', async () => {
    const early = [host.load(a, url), host.load(b, url)];
    await until(() => loads.length === 1);
    const during = host.load(c, url);
    loads[0].resolve(fakeModel());
    const instances = new Set([...(await Promise.all(early)), await during, await host.load(user(), url)]);
    expect([instances.size, loads.length]).to.deep.equal([1, 1]);
  });

  it('tells its progress to all who wait, joiners from where it stands, never backwards', async () => {
    const seen: Record<string, number[]> = {a: [], b: []};
    const one = host.load(a, url, {onProgress: ({fraction}) => seen.a.push(fraction)});
    await until(() => loads.length === 1);
    loads[0].options.onProgress(at(0.3));
    const two = host.load(b, url, {onProgress: ({fraction}) => seen.b.push(fraction)});
    loads[0].options.onProgress(at(0.2));
    loads[0].options.onProgress(at(0.8));
    loads[0].resolve(fakeModel());
    await Promise.all([one, two]);
    expect(seen).to.deep.equal({a: [0, 0.3, 0.3, 0.8], b: [0.3, 0.3, 0.8]});
  });

  it('a failed load fails all who wait, and can be tried again', async () => {
    const failures = [rejection(host.load(a, url)), rejection(host.load(b, url))];
    await until(() => loads.length === 1);
    loads[0].reject(new GemmaError('http-status', '404'));
    for (const error of await Promise.all(failures)) expect(error.code).to.equal('http-status');
    expect(host.instance).to.equal(null);
    await ready();
    expect(loads).to.have.length(2);
  });

  it('one who stops waiting does not stop the others; the last one does', async () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const stopped = [
      rejection(host.load(a, url, {signal: one.signal})),
      rejection(host.load(b, url, {signal: two.signal})),
    ];
    await until(() => loads.length === 1);
    one.abort();
    expect((await stopped[0]).name).to.equal('AbortError');
    expect(loads[0].options.signal.aborted).to.equal(false);
    two.abort();
    expect((await stopped[1]).name).to.equal('AbortError');
    expect(loads[0].options.signal.aborted).to.equal(true);
    await ready();
    expect(loads).to.have.length(2);
  });

  it('a client that dies while it waits counts as one who stops', async () => {
    host.load(a, url).catch(() => {});
    await until(() => loads.length === 1);
    host.release(a);
    expect(loads[0].options.signal.aborted).to.equal(true);
  });

  it('a model that arrives after all have left is destroyed', async () => {
    const late = fakeModel();
    host = new ModelHost(async () => {
      host.release(a);
      return late;
    });
    expect((await rejection(host.load(a, url))).name).to.equal('AbortError');
    expect(late.engine.destroyed).to.equal(true);
  });

  it('refuses another model while someone else uses this one, and says which', async () => {
    await ready();
    const error = await rejection(host.load(b, other));
    expect(error.code).to.equal('model-in-use');
    expect(error.message).to.match(/a\.gguf is loaded and in use/);
    expect(host.instance?.model.engine).to.have.property('destroyed', false);
  });

  it('refuses it during the load too', async () => {
    host.load(a, url).catch(() => {});
    await until(() => loads.length === 1);
    expect((await rejection(host.load(b, other))).code).to.equal('model-in-use');
  });

  it('replaces a model that no one else uses', async () => {
    const first = await ready();
    host.release(a);
    const second = host.load(b, other);
    await until(() => loads.length === 2);
    loads[1].resolve(fakeModel());
    await second;
    expect(first.engine.destroyed).to.equal(true);
    expect(host.instance).to.equal(await second);
  });

  it('keeps a model that no one uses for the next client', async () => {
    const model = await ready();
    host.release(a);
    expect((await host.load(b, url)).model).to.equal(model);
    expect(loads).to.have.length(1);
  });

  it('a larger context than is loaded needs the model alone', async () => {
    const small = await ready(fakeModel({contextLength: 64}));
    expect((await host.load(b, url, {contextLength: 64})).model).to.equal(small);
    const error = await rejection(host.load(b, url, {contextLength: 128}));
    expect(error.code).to.equal('model-in-use');
    expect(error.message).to.match(/context of 64/);
    host.release(a);
    const larger = host.load(b, url, {contextLength: 128});
    await until(() => loads.length === 2);
    expect(loads[1].options.contextLength).to.equal(128);
    loads[1].resolve(fakeModel({contextLength: 128}));
    expect((await larger).model.engine.contextLength).to.equal(128);
    expect(small.engine.destroyed).to.equal(true);
  });

  it('two chosen files are the same model by name, size and date; two Blobs never are', async () => {
    const file = () => new File(['x'], 'm.gguf', {lastModified: 1});
    const first = host.load(a, {files: [{blob: file(), name: 'm.gguf'}]});
    await until(() => loads.length === 1);
    loads[0].resolve(fakeModel());
    expect(await host.load(b, {files: [{blob: file(), name: 'm.gguf'}]})).to.equal(await first);
    expect((await rejection(host.load(c, {files: [{blob: new Blob(['x']), name: 'm.gguf'}]}))).code).to.equal(
      'model-in-use',
    );
  });

  describe('when the device is lost', () => {
    /** Timers that run when the test says so. */
    let waiting: {ms: number; then: () => void}[];
    beforeEach(() => {
      waiting = [];
      host = new ModelHost(
        (_ref, options) => new Promise((resolve, reject) => loads.push({options, resolve, reject})),
        {
          now: () => 0,
          every: () => () => {},
          after(ms, then) {
            const timer = {ms, then};
            waiting.push(timer);
            return () => {
              waiting = waiting.filter((other) => other !== timer);
            };
          },
        },
      );
    });
    const tick = async (): Promise<number> => {
      await until(() => waiting.length > 0);
      const [{ms, then}] = waiting.splice(0, 1);
      then();
      return ms;
    };

    it('loads again with the same context, and no one has to know', async () => {
      const model = await ready(fakeModel({contextLength: 64}));
      model.lose();
      expect(await tick()).to.equal(0);
      await until(() => loads.length === 2);
      expect(loads[1].options.contextLength).to.equal(64);
      const second = fakeModel({contextLength: 64});
      loads[1].resolve(second);
      await until(() => host.recoveries === 1);
      expect([host.instance?.model, model.engine.destroyed]).to.deep.equal([second, true]);
      expect(a.losses).to.deep.equal([]);
    });

    it('loads again once where a stuck step is given up, although that loses the device too', async () => {
      const look: (() => void)[] = [];
      let now = 0;
      host = new ModelHost(
        (_ref, options) => new Promise((resolve, reject) => loads.push({options, resolve, reject})),
        {
          now: () => now,
          every: (_ms, then) => {
            look.push(then);
            return () => {};
          },
          after: (ms, then) => {
            waiting.push({ms, then});
            return () => {};
          },
        },
      );
      const model = await ready();
      model.destroy = () => model.lose();
      model.engine.beforeStep = () => new Promise(() => {});
      const ran = host.instance?.scheduler.run({
        client: a,
        signal: new AbortController().signal,
        *steps() {
          yield {tokens: [2], logits: 'none'};
        },
      });
      await until(() => look.length > 0);
      now = 3_600_000;
      look[0]();
      await tick();
      await until(() => loads.length === 2);
      await until(() => true);
      expect(waiting).to.deep.equal([]);
      loads[1].resolve(fakeModel());
      await ran;
      expect([host.recoveries, loads.length]).to.deep.equal([1, 2]);
    });

    it('tries three times, a little later each time, then tells every user once', async () => {
      const model = await ready();
      await host.load(b, url);
      model.lose();
      const waits: number[] = [];
      for (let attempt = 2; attempt < 5; attempt++) {
        waits.push(await tick());
        await until(() => loads.length === attempt);
        loads[attempt - 1].reject(new GemmaError('adapter-missing', 'no adapter'));
      }
      await until(() => a.losses.length > 0);
      expect(waits).to.deep.equal([0, 1000, 4000]);
      expect([a, b].map(({losses}) => losses.map(({code}) => code))).to.deep.equal([['device-lost'], ['device-lost']]);
      expect(host.instance).to.equal(null);
      await ready();
      expect(loads).to.have.length(5);
    });

    it('gives up on a device that is lost again and again before an answer is finished', async () => {
      let model = await ready();
      for (let loss = 0; loss < 3; loss++) {
        model.lose();
        await tick();
        await until(() => loads.length === loss + 2);
        model = fakeModel();
        loads[loss + 1].resolve(model);
        await until(() => host.recoveries === loss + 1);
      }
      model.lose();
      await until(() => a.losses.length > 0);
      expect(loads).to.have.length(4);
    });

    it('frees a model that no one has used for a while', async () => {
      const model = await ready();
      await host.load(a, url, {idleTimeout: 5000});
      host.release(a);
      expect(waiting.map(({ms}) => ms)).to.deep.equal([5000]);
      // Someone came in time.
      await host.load(b, url);
      expect([waiting.length, model.engine.destroyed]).to.deep.equal([0, false]);
      host.release(b);
      await tick();
      expect([host.instance, model.engine.destroyed]).to.deep.equal([null, true]);
    });
  });

  it('a device that goes because its model was replaced is no loss', async () => {
    const first = await ready();
    host.release(a);
    const second = host.load(b, other);
    await until(() => loads.length === 2);
    first.lose();
    loads[1].resolve(fakeModel());
    await second;
    expect(b.losses).to.have.length(0);
    expect(host.instance).not.to.equal(null);
  });

  it('keeps a model for as long as it is told to, be it longer than a timer can', async () => {
    const model = await ready();
    await host.load(a, url, {idleTimeout: 30 * 24 * 3600 * 1000});
    host.release(a);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(host.instance?.model).to.equal(model);
  });
});

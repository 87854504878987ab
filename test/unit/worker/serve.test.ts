import {expect} from 'chai';
import {GemmaError} from '../../../src/errors.ts';
import {PROTOCOL_VERSION} from '../../../src/protocol/messages.ts';
import {BEAT_MS, closePorts, FakeWorker, rejection, until} from '../../helpers/fake-worker.ts';

interface Message {
  type: string;
  id?: number;
  error?: {code: string};
  value?: unknown;
}

/** A client that says what it likes. */
function rawClient(worker: FakeWorker): {port: MessagePort; replies: Message[]} {
  const port = worker.connect();
  const replies: Message[] = [];
  port.addEventListener('message', ({data}) => replies.push(data));
  port.start();
  return {port, replies};
}

describe('a session', () => {
  afterEach(closePorts);

  it('refuses a page of another version', async () => {
    const {port, replies} = rawClient(new FakeWorker());
    port.postMessage({type: 'hello', id: 1, version: PROTOCOL_VERSION + 1, lock: null});
    await until(() => replies.length === 1);
    expect(replies[0]).to.have.nested.property('error.code', 'protocol-mismatch');
  });

  it('survives malformed messages and tells those who can be told', async () => {
    const {port, replies} = rawClient(new FakeWorker());
    for (const garbage of [null, 7, 'x', {}, {type: 'load'}, {id: 3}, {type: 'chat', id: 4}]) port.postMessage(garbage);
    port.postMessage({type: 'stats', id: 5});
    await until(() => replies.some(({id}) => id === 5));
    expect(replies.map(({type, id}) => [type, id])).to.deep.equal([
      ['error', 3],
      ['error', 4],
      ['result', 5],
    ]);
  });

  it('says `closed` to requests before a load', async () => {
    const {port, replies} = rawClient(new FakeWorker());
    port.postMessage({type: 'chat', id: 1, request: {messages: [{role: 'user', content: 'x'}]}});
    port.postMessage({type: 'tokenize', id: 2, text: 'x'});
    await until(() => replies.length === 2);
    expect(replies.map(({error}) => error?.code)).to.deep.equal(['closed', 'closed']);
  });

  it('passes a load’s error on with its code', async () => {
    const load = () => Promise.reject(new GemmaError('webgpu-missing', 'navigator.gpu is missing'));
    const {port, replies} = rawClient(new FakeWorker({load}));
    port.postMessage({type: 'load', id: 1, model: {url: 'x'}});
    await until(() => replies.some(({type}) => type === 'error'));
    expect(replies.at(-1)?.error?.code).to.equal('webgpu-missing');
  });

  it('knows by its lock that a client has died: its sequences go, its generation stops, others stay', async () => {
    const worker = new FakeWorker();
    const [victim, survivor] = [await worker.load(), await worker.load()];
    const [lock] = worker.locks!.held('gemma-chat-client');
    const dying = victim.completions.create({prompt: 'the page', temperature: 0});
    dying.catch(() => {});
    await until(() => worker.engine.steps.length > 3);
    expect(worker.engine.alive).to.equal(1);
    worker.engine.beforeStep = () => new Promise((resolve) => setTimeout(resolve, BEAT_MS));
    worker.kill(lock);
    await until(() => worker.engine.alive === 0);
    worker.engine.beforeStep = () => {};
    const steps = worker.engine.steps.length;
    expect(steps).to.be.below(20); // of the 256 that the context has room for
    const stats = await survivor.stats();
    expect([stats.clients, stats.batch.running, stats.models]).to.deep.equal([1, 0, 1]);
    expect(worker.engine.steps.length).to.equal(steps);
    expect((await survivor.completions.create({prompt: 'x', max_tokens: 2})).usage.completion_tokens).to.equal(2);
  });

  it('a client that died in the queue gives its place up', async () => {
    const worker = new FakeWorker();
    const [one, two] = [await worker.load(), await worker.load()];
    const [, lock] = worker.locks!.held('gemma-chat-client');
    let go = (): void => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    let begun = false;
    worker.engine.beforeStep = () => {
      begun = true;
      return held;
    };
    const first = one.completions.create({prompt: 'the page', max_tokens: 40, temperature: 0});
    await until(() => begun);
    two.completions.create({prompt: 'the page'}).catch(() => {});
    await until(() => worker.context.host.instance?.scheduler.queued === 1);
    worker.kill(lock);
    // The first is still held: nothing but the death can have emptied the queue.
    await until(() => worker.context.host.instance?.scheduler.queued === 0);
    go();
    expect((await first).usage.completion_tokens).to.equal(40);
    expect((await one.stats()).clients).to.equal(1);
  });

  it('`bye` frees at once, without locks', async () => {
    const worker = new FakeWorker({locks: undefined});
    const client = await worker.load();
    client.completions.create({prompt: 'x', temperature: 0}).catch(() => {});
    await until(() => worker.engine.alive === 1);
    client.close();
    await until(() => worker.engine.alive === 0);
    expect(worker.context.sessions.size).to.equal(0);
  });

  it('gives idle conversations up when memory is short, and still answers', async () => {
    const worker = new FakeWorker({maxSequences: 2, pages: 2});
    const clients = await Promise.all([1, 2, 3].map(() => worker.load()));
    for (const client of [...clients, ...clients]) {
      const {usage} = await client.completions.create({prompt: 'the page', max_tokens: 20, temperature: 0});
      expect(usage.completion_tokens).to.equal(20);
    }
    expect(worker.engine.alive).to.be.at.most(2);
  });

  it('says `out-of-memory` when giving up everything is not enough', async () => {
    const client = await new FakeWorker({pages: 0}).load();
    expect((await rejection(client.completions.create({prompt: 'the page shows it all'}))).code).to.equal(
      'out-of-memory',
    );
  });
});

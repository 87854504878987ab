import {expect} from 'chai';
import {GemmaError} from '../../../src/errors.ts';
import {Caller} from '../../../src/protocol/caller.ts';
import {Endpoint} from '../../../src/protocol/endpoint.ts';
import type {StreamReply} from '../../../src/protocol/messages.ts';
import {rejection, until} from '../../helpers/fake-worker.ts';

const usage = {
  ...{prompt_tokens: 1, completion_tokens: 0, total_tokens: 1, cached_tokens: 0},
  prompt_tokens_details: {cached_tokens: 0},
  completion_tokens_details: {reasoning_tokens: 0},
};
const done = (id: number) => ({type: 'done', id, reason: 'stop', usage});
const prompt = {type: 'completion', request: {prompt: 'x'}} as const;

describe('Caller', () => {
  let caller: Caller;
  let worker: MessagePort;
  /** What the worker's side was sent. */
  let sent: Record<string, unknown>[];

  beforeEach(() => {
    const {port1, port2} = new MessageChannel();
    caller = new Caller(port1);
    worker = port2;
    sent = [];
    worker.addEventListener('message', ({data}) => sent.push(data));
    worker.start();
  });
  afterEach(() => {
    caller.close();
    worker.close();
  });

  it('matches answers to requests by id, in whatever order they come', async () => {
    const one = caller.call({type: 'detokenize', ids: [1]});
    const two = caller.call({type: 'detokenize', ids: [2]});
    await until(() => sent.length === 2);
    worker.postMessage({type: 'result', id: sent[1].id, value: 'two'});
    worker.postMessage({type: 'result', id: sent[0].id, value: 'one'});
    expect(await Promise.all([one, two])).to.deep.equal(['one', 'two']);
  });

  it('turns an error reply into that request’s GemmaError', async () => {
    const failed = rejection(caller.call({type: 'stats'}));
    await until(() => sent.length === 1);
    worker.postMessage({type: 'error', id: sent[0].id, error: {code: 'closed', message: 'm', detail: {a: 1}}});
    const error = (await failed) as GemmaError;
    expect(error).to.be.instanceOf(GemmaError);
    expect([error.code, error.message, error.detail]).to.deep.equal(['closed', 'm', {a: 1}]);
  });

  it('tells progress, and only before the result', async () => {
    const seen: number[] = [];
    const loaded = caller.call({type: 'load', model: {url: 'x'}}, {onProgress: ({fraction}) => seen.push(fraction)});
    await until(() => sent.length === 1);
    const progress = {phase: 'download', loadedBytes: 1, totalBytes: 2};
    for (const fraction of [0.1, 0.5]) {
      worker.postMessage({type: 'progress', id: sent[0].id, progress: {...progress, fraction}});
    }
    worker.postMessage({type: 'result', id: sent[0].id, value: {}});
    worker.postMessage({type: 'progress', id: sent[0].id, progress: {...progress, fraction: 0.9}});
    await loaded;
    expect(seen).to.deep.equal([0.1, 0.5]);
  });

  it('reads a stream up to its `done`, however late the reader is', async () => {
    const stream = caller.stream(prompt);
    await until(() => sent.length === 1);
    const {id} = sent[0] as {id: number};
    for (const delta of ['a', 'b']) worker.postMessage({type: 'text', id, channel: 'content', delta});
    worker.postMessage(done(id));
    worker.postMessage({type: 'text', id, channel: 'content', delta: 'too late'});
    const replies: StreamReply[] = [];
    for await (const reply of stream) replies.push(reply);
    expect(replies.map(({type}) => type)).to.deep.equal(['text', 'text', 'done']);
  });

  it('gives what came before an error, then the error', async () => {
    const stream = caller.stream(prompt);
    await until(() => sent.length === 1);
    worker.postMessage({type: 'text', id: sent[0].id, channel: 'content', delta: 'a'});
    worker.postMessage({type: 'error', id: sent[0].id, error: {code: 'internal', message: 'boom'}});
    expect((await stream.next()).value.delta).to.equal('a');
    expect((await rejection(stream.next())).message).to.equal('boom');
    expect((await stream.next()).done).to.equal(true);
  });

  it('rejects a call on abort, tells the worker once, and ignores what still comes', async () => {
    const abort = new AbortController();
    const stopped = rejection(caller.call({type: 'stats'}, {signal: abort.signal}));
    await until(() => sent.length === 1);
    abort.abort(new Error('a reason of the page’s'));
    expect((await stopped).name).to.equal('AbortError');
    await until(() => sent.length === 2);
    expect(sent[1]).to.deep.equal({type: 'abort', id: sent[0].id});
    worker.postMessage({type: 'result', id: sent[0].id, value: 1});
    const next = caller.call({type: 'detokenize', ids: []});
    await until(() => sent.length === 3);
    worker.postMessage({type: 'result', id: sent[2].id, value: ''});
    expect(await next).to.equal('');
  });

  it('tells the worker when a reader leaves', async () => {
    const stream = caller.stream(prompt);
    await until(() => sent.length === 1);
    worker.postMessage({type: 'text', id: sent[0].id, channel: 'content', delta: 'a'});
    for await (const _ of stream) break;
    await until(() => sent.length === 2);
    expect(sent[1].type).to.equal('abort');
  });

  it('`fatal` ends every request, now and later, with its error', async () => {
    const pending = [rejection(caller.call({type: 'stats'})), rejection(caller.stream(prompt).next())];
    worker.postMessage({type: 'fatal', error: {code: 'device-lost', message: 'gone'}});
    for (const error of await Promise.all(pending)) expect(error.code).to.equal('device-lost');
    expect((await caller.lost).code).to.equal('device-lost');
    expect((await rejection(caller.call({type: 'stats'}))).code).to.equal('device-lost');
    expect(() => caller.stream(prompt)).to.throw('gone');
  });

  it('closing ends what runs with `closed` and says goodbye', async () => {
    const pending = rejection(caller.call({type: 'stats'}));
    caller.close();
    expect((await pending).code).to.equal('closed');
    await until(() => sent.length === 2);
    expect(sent[1]).to.deep.equal({type: 'bye'});
  });

  it('the other side’s closing is `worker-failed`', async () => {
    const pending = rejection(caller.call({type: 'stats'}));
    await until(() => sent.length === 1);
    worker.close();
    expect((await pending).code).to.equal('worker-failed');
  });

  it('what cannot cross a port fails alone', async () => {
    const request = {prompt: (() => {}) as never};
    expect(() => caller.stream({type: 'completion', request})).to.throw(/could not be cloned/);
  });

  describe('malformed replies', () => {
    for (const garbage of [null, 0, 'x', [], {}, {type: 'result'}, {type: '__proto__', id: 'x'}, {type: 'fatal'}]) {
      it(`${JSON.stringify(garbage)} is dropped`, async () => {
        const answer = caller.call({type: 'detokenize', ids: []});
        await until(() => sent.length === 1);
        worker.postMessage(garbage);
        worker.postMessage({type: 'result', id: sent[0].id, value: 'still here'});
        expect(await answer).to.equal('still here');
      });
    }

    it('one that names a request is that request’s `protocol-mismatch`: it must not wait for ever', async () => {
      for (const reply of [
        {type: 'done'},
        {type: 'text', delta: 5, channel: 'content'},
        {type: 'news'},
        {type: 'toString'},
        {type: 'result', value: 1},
      ]) {
        const stream = caller.stream(prompt);
        await until(() => sent.length > 0);
        worker.postMessage({...reply, id: sent[0].id});
        expect((await rejection(stream.next())).code).to.equal('protocol-mismatch');
        sent.length = 0;
      }
      const call = rejection(caller.call({type: 'stats'}));
      await until(() => sent.length > 0);
      worker.postMessage(done(sent[0].id as number));
      expect((await call).code).to.equal('protocol-mismatch');
    });
  });
});

describe('Endpoint', () => {
  it('receives and posts nothing once closed', async () => {
    const {port1, port2} = new MessageChannel();
    const received: unknown[] = [];
    const endpoint = new Endpoint<string, string>(port1, {
      parse: (data) => (typeof data === 'string' ? data : null),
      receive: (message) => received.push(message),
    });
    port2.postMessage('one');
    await until(() => received.length === 1);
    endpoint.close();
    endpoint.close();
    endpoint.post('into the void');
    port2.postMessage('two');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(received).to.deep.equal(['one']);
    port2.close();
  });
});

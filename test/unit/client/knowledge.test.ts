// SiteKnowledge over a real session: what is asked, how often an index is opened, and what comes back of its failures.
import {expect} from 'chai';
import {SiteKnowledge} from '../../../src/client/knowledge.ts';
import type {FoundPassages} from '../../../src/protocol/messages.ts';
import {closePorts, FakeLocks, FakeWorker, rejection} from '../../helpers/fake-worker.ts';

const FOUND: FoundPassages = {passages: [], sufficient: false, confidence: 0, corrections: []};

function site(
  search: (question: string, options: {signal?: AbortSignal; limit?: number}) => Promise<FoundPassages> = async () =>
    FOUND,
) {
  const opened: string[] = [];
  const worker = new FakeWorker({
    webgpu: false,
    openIndex: async (url, integrity) => {
      opened.push(`${url} ${integrity ?? ''}`.trim());
      return {search};
    },
  });
  const knowledge = (knowledgeSrc: string | URL = '/knowledge', integrity?: string) =>
    new SiteKnowledge({knowledgeSrc, integrity, workerSrc: '/gemma-chat.worker.js'}, worker.platform());
  return {opened, knowledge};
}

describe('SiteKnowledge', () => {
  afterEach(closePorts);

  it('asks the worker, without WebGPU and without a model; one index is open for all', async () => {
    const asked: unknown[] = [];
    const {opened, knowledge} = site(async (question, {limit}) => {
      asked.push([question, limit]);
      return FOUND;
    });
    const [one, other] = [knowledge(), knowledge('/knowledge/?x#y')];
    expect(await one.find('how?', {limit: 3})).to.deep.equal(FOUND);
    expect(await other.find('why?')).to.deep.equal(FOUND);
    expect(asked).to.deep.equal([
      ['how?', 3],
      ['why?', undefined],
    ]);
    expect(opened).to.deep.equal(['https://site.example/knowledge/']);
    one.close();
    one.close();
  });

  it('tells apart indexes with other hashes', async () => {
    const {opened, knowledge} = site();
    await knowledge('/k/', 'sha256-A=').find('x');
    await knowledge('/k/').find('x');
    expect(opened).to.deep.equal(['https://site.example/k/ sha256-A=', 'https://site.example/k/']);
  });

  it('passes a failure on with its code, and opens the index anew with the next question', async () => {
    let fail = true;
    const worker = new FakeWorker({
      openIndex: async () => {
        if (fail) throw Object.assign(new Error('no file'), {code: 'http-status', detail: {status: 404}});
        return {search: async () => FOUND};
      },
    });
    const knowledge = new SiteKnowledge({knowledgeSrc: '/k/', workerSrc: '/w.js'}, worker.platform());
    expect(await rejection(knowledge.find('x'))).to.include({code: 'http-status', message: 'no file'});
    fail = false;
    expect(await knowledge.find('x')).to.deep.equal(FOUND);
  });

  it('stops', async () => {
    const {knowledge} = site(
      (_, {signal}) =>
        new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    );
    const stop = new AbortController();
    const found = knowledge().find('x', {signal: stop.signal});
    setTimeout(() => stop.abort());
    expect(await rejection(found)).to.have.property('name', 'AbortError');
  });

  it('comes to a new worker when the one it had has ended', async () => {
    const locks = new FakeLocks();
    const openIndex = async () => ({search: async () => FOUND});
    const [first, second] = [new FakeWorker({locks, openIndex}), new FakeWorker({locks, openIndex})];
    const platform = {...first.platform()};
    const asking = new SiteKnowledge({knowledgeSrc: '/k/', workerSrc: '/gemma-chat.worker.js'}, platform);
    await asking.find('x');
    platform.SharedWorker = second.platform().SharedWorker;
    first.crash();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await asking.find('y')).to.deep.equal(FOUND);
  });

  it('refuses what it does not know', async () => {
    const {knowledge} = site();
    expect(() => knowledge('http://[')).to.throw(/knowledgeSrc/);
    expect(await rejection(knowledge().find(1 as never))).to.include({code: 'option-invalid'});
    expect(await rejection(knowledge().find('x', {limit: 51}))).to.include({code: 'option-invalid'});
    expect(await rejection(knowledge().find('x', {top: 1} as never))).to.include({code: 'option-unknown'});
  });
});

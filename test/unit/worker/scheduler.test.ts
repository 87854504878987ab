import {expect} from 'chai';
import type {Sequence} from '../../../src/engine/engine.ts';
import {Meter} from '../../../src/worker/meter.ts';
import {type Job, Scheduler} from '../../../src/worker/scheduler.ts';
import {FakeEngine} from '../../helpers/fake-engine.ts';
import {rejection, until} from '../../helpers/fake-worker.ts';

describe('Scheduler', () => {
  const [a, b, c] = [{name: 'a'}, {name: 'b'}, {name: 'c'}];
  let scheduler: Scheduler;
  let order: string[];
  let finish: Record<string, () => void>;

  const job = (name: string, client: object, extra: Partial<Job> = {}): Job => ({
    client,
    signal: new AbortController().signal,
    work: () => {
      order.push(name);
      return new Promise<void>((resolve) => {
        finish[name] = resolve;
      });
    },
    ...extra,
  });

  beforeEach(() => {
    scheduler = new Scheduler(new FakeEngine());
    order = [];
    finish = {};
  });

  it('serves clients in turn, however much one of them asks', async () => {
    const jobs = [job('a1', a), job('a2', a), job('a3', a), job('b1', b), job('c1', c), job('b2', b)];
    const all = jobs.map((one) => scheduler.run(one));
    for (let i = 0; i < jobs.length; i++) {
      await until(() => order.length === i + 1);
      finish[order[i]]();
    }
    await Promise.all(all);
    expect(order).to.deep.equal(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  it('tells every job its place when it changes, and 0 when its turn comes', async () => {
    const places: Record<string, number[]> = {a2: [], b1: [], c1: []};
    const all = [
      scheduler.run(job('a1', a)),
      ...Object.entries({a2: a, b1: b, c1: c}).map(([name, client]) =>
        scheduler.run(job(name, client, {onPosition: (position) => places[name].push(position)})),
      ),
    ];
    expect(scheduler.queued).to.equal(3);
    for (const name of ['a1', 'a2', 'b1', 'c1']) {
      await until(() => order.includes(name));
      finish[name]();
    }
    await Promise.all(all);
    expect(places).to.deep.equal({a2: [1, 0], b1: [2, 1, 0], c1: [3, 2, 1, 0]});
    expect(scheduler.queued).to.equal(0);
  });

  it('an abort while waiting rejects at once, and the work never begins', async () => {
    const running = scheduler.run(job('a1', a));
    const abort = new AbortController();
    const waiting = rejection(scheduler.run(job('b1', b, {signal: abort.signal})));
    abort.abort();
    expect((await waiting).name).to.equal('AbortError');
    expect(scheduler.queued).to.equal(0);
    finish.a1();
    await running;
    expect((await rejection(scheduler.run(job('b2', b, {signal: abort.signal})))).name).to.equal('AbortError');
    expect(order).to.deep.equal(['a1']);
  });

  it('goes on after a job that fails', async () => {
    const failed = rejection(scheduler.run(job('a1', a, {work: () => Promise.reject(new Error('boom'))})));
    const next = scheduler.run(job('b1', b));
    expect((await failed).message).to.equal('boom');
    await until(() => order.includes('b1'));
    finish.b1();
    await next;
  });

  it('gives each job the engine’s step, and measures it', async () => {
    const engine = new FakeEngine();
    const meter = new Meter();
    await new Scheduler(engine, meter).run(
      job('a1', a, {
        work: async (step) => {
          const sequence: Sequence = engine.createSequence();
          expect(await step({sequence, tokens: [2, 20, 21], logits: 'none'})).to.deep.equal([]);
          expect(await step({sequence, tokens: [22], logits: 'last'})).to.have.length(1);
        },
      }),
    );
    expect(engine.steps.map(({rows}) => rows)).to.deep.equal([3, 1]);
    expect(meter.prefillTokensPerSecond).to.be.greaterThan(0);
    expect(meter.decodeTokensPerSecond).to.be.greaterThan(0);
  });
});

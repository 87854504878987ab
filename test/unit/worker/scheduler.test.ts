import {expect} from 'chai';
import {seededRandom} from '../../../scripts/model-files/random.ts';
import type {TokenSteps} from '../../../src/chat/token-steps.ts';
import {GemmaError} from '../../../src/errors.ts';
import type {Attention} from '../../../src/protocol/messages.ts';
import {Meter} from '../../../src/worker/meter.ts';
import type {Job} from '../../../src/worker/scheduled-request.ts';
import {Scheduler} from '../../../src/worker/scheduler.ts';
import {FakeEngine, type FakeEngineOptions, someToken} from '../../helpers/fake-engine.ts';
import {rejection, until} from '../../helpers/fake-worker.ts';

const argmax = (logits: Float32Array): number => logits.indexOf(Math.max(...logits));
const text = (n: number, seed = 0) => Array.from({length: n}, (_, i) => 2 + ((seed * 131 + i * 7) % 600));

/** What greedy decoding says after a prompt when no one else is there. */
function alone(prompt: readonly number[], count: number): number[] {
  const tokens = [...prompt];
  for (let i = 0; i < count; i++) tokens.push(someToken(tokens));
  return tokens.slice(prompt.length);
}

/** A whole generation: the prompt, then `count` tokens, greedily. */
function* speak(prompt: readonly number[], count: number, said: number[] = []): TokenSteps {
  let logits: Float32Array | undefined;
  for (let at = 0; at < prompt.length; ) {
    const step = yield {tokens: prompt.slice(at), logits: 'last'};
    at += step.taken;
    logits = step.logits.at(-1);
  }
  while (logits && said.length < count) {
    const token = argmax(logits);
    said.push(token);
    if (said.length < count) logits = (yield {tokens: [token], logits: 'last'}).logits[0];
  }
}

function setUp(options: FakeEngineOptions = {}) {
  const engine = new FakeEngine(options);
  const scheduler = new Scheduler(engine);
  /** Begins a generation; `said` fills while it speaks. */
  const begin = (prompt: readonly number[], count: number, extra: Partial<Job> = {}) => {
    const said: number[] = [];
    const places: number[] = [];
    const ran = scheduler.run({
      client: {},
      signal: new AbortController().signal,
      onPosition: (place) => places.push(place),
      steps: () => speak(prompt, count, said),
      ...extra,
    });
    return {said, places, ran};
  };
  return {engine, scheduler, begin};
}

describe('Scheduler', () => {
  it('loses no token where the engine is lost between a step and its results', async () => {
    // Each number of turns of the event loop's queue between the two.
    for (let turns = 0; turns < 10; turns++) {
      const {engine, scheduler, begin} = setUp();
      const step = engine.step.bind(engine);
      let steps = 0;
      engine.step = async (inputs) => {
        const rows = await step(inputs);
        if (++steps === 3) {
          let later = Promise.resolve();
          for (let i = 0; i < turns; i++) later = later.then(() => undefined);
          void later.then(() => {
            scheduler.suspend();
            scheduler.resume(new FakeEngine());
          });
        }
        return rows;
      };
      const jobs = [begin(text(20), 12), begin(text(5, 1), 12)];
      await Promise.all(jobs.map(({ran}) => ran));
      expect(jobs.map(({said}) => said)).to.deep.equal([alone(text(20), 12), alone(text(5, 1), 12)]);
    }
  });

  it('gives a request its logits in the same memory from step to step, and each request in its own', async () => {
    const {begin} = setUp();
    const rows = [new Set<Float32Array>(), new Set<Float32Array>()];
    const jobs = rows.map((seen, i) =>
      begin([2], 4, {
        *steps() {
          for (let n = 0; n < 4; n++) seen.add((yield {tokens: [20 + i], logits: 'last'}).logits[0]);
        },
      }),
    );
    await Promise.all(jobs.map(({ran}) => ran));
    expect([rows[0].size, rows[1].size, new Set([...rows[0], ...rows[1]]).size]).to.deep.equal([1, 1, 2]);
  });

  it('puts all that decode into one step, with a chunk of one prompt', async () => {
    const {engine, begin} = setUp({chunkSize: 8});
    const talks = [1, 2, 3].map((seed) => begin(text(5, seed), 6));
    await Promise.all(talks.map(({ran}) => ran));
    for (const [i, {said}] of talks.entries()) expect(said).to.deep.equal(alone(text(5, i + 1), 6));
    // Prompts one after the other, each beside those that decode already; then three at a time, two, one.
    expect(engine.batches).to.deep.equal([1, 2, 3, 3, 3, 3, 2, 1]);
    expect(engine.alive).to.equal(0);
  });

  it('leaves room in the step for a prompt, and never more than one', async () => {
    const {engine, begin} = setUp({chunkSize: 8});
    const first = begin(text(3), 30);
    await until(() => first.said.length > 2);
    const prompts = [begin(text(20, 1), 1), begin(text(20, 2), 1)];
    await Promise.all([first, ...prompts].map(({ran}) => ran));
    const rows = engine.steps.map((step) => step.rows);
    expect(Math.max(...rows)).to.equal(7); // beside the one that decodes
    expect(Math.max(...engine.batches)).to.equal(2);
  });

  it('fills a step with those that decode, and no row more', async () => {
    const {engine, begin} = setUp({chunkSize: 2});
    const talks = [1, 2, 3].map((seed) => begin(text(4, seed), 8));
    await Promise.all(talks.map(({ran}) => ran));
    expect(Math.max(...engine.batches)).to.equal(2);
    for (const [i, {said}] of talks.entries()) expect(said).to.deep.equal(alone(text(4, i + 1), 8));
  });

  it('measures tokens of both kinds', async () => {
    const meter = new Meter();
    const engine = new FakeEngine();
    await new Scheduler(engine, {meter}).run({
      client: {},
      signal: new AbortController().signal,
      *steps(sequence) {
        expect(yield {tokens: [2, 20, 21], logits: 'none'}).to.deep.equal({taken: 3, logits: []});
        expect((yield {tokens: [22], logits: 'last'}).logits).to.have.length(1);
        expect(sequence.tokens).to.deep.equal([2, 20, 21, 22]);
      },
    });
    expect(meter.prefillTokensPerSecond).to.be.greaterThan(0);
    expect(meter.decodeTokensPerSecond).to.be.greaterThan(0);
  });

  describe('common beginnings', () => {
    it('are computed once, one after the other or at the same time', async () => {
      const {engine, begin} = setUp({chunkSize: 32});
      const prompts = [0, 1, 2].map((i) => [...text(160), 600 + i]);
      const talks = prompts.map((prompt) => begin(prompt, 2));
      await Promise.all(talks.map(({ran}) => ran));
      talks.push(begin([...text(160), 650], 2));
      await talks[3].ran;
      const computed = engine.steps.reduce((sum, {rows}) => sum + rows, 0);
      // 160 once, and for each its own end and all but the last token it said.
      expect(computed).to.equal(160 + 4 * 2);
    });

    it('are counted, as far as others had computed them', async () => {
      const {scheduler} = setUp({chunkSize: 32});
      const cached: number[] = [];
      for (const end of [600, 601]) {
        await scheduler.run({
          client: {},
          signal: new AbortController().signal,
          *steps(sequence) {
            yield* speak([...text(70), end], 1);
            cached.push(sequence.cached);
          },
        });
      }
      expect(cached).to.deep.equal([0, 70]);
    });

    it('are computed all the same where every row is to be scored', async () => {
      const {engine, begin, scheduler} = setUp({chunkSize: 64});
      await begin(text(40), 1).ran;
      await scheduler.run({
        client: {},
        signal: new AbortController().signal,
        *steps() {
          const {taken, logits} = yield {tokens: text(40), logits: 'all'};
          expect([taken, logits.length]).to.deep.equal([40, 40]);
          logits.forEach((row, i) => {
            expect(argmax(row)).to.equal(someToken(text(40).slice(0, i + 1)));
          });
        },
      });
      expect(engine.steps.map(({rows}) => rows)).to.deep.equal([40, 40]);
    });
  });

  describe('when memory is short', () => {
    it('lets generations wait with their place, and answers all of them', async () => {
      const {begin, scheduler} = setUp({maxSequences: 2});
      const talks = [1, 2, 3, 4].map((seed) => begin(text(4, seed), 3 * seed));
      await until(() => scheduler.queued === 2);
      await Promise.all(talks.map(({ran}) => ran));
      expect(talks.map(({places}) => places)).to.deep.equal([[0], [0], [1, 0], [2, 1, 0]]);
      for (const [i, {said}] of talks.entries()) expect(said).to.deep.equal(alone(text(4, i + 1), 3 * (i + 1)));
    });

    it('preempts the request that came last, which goes on where it stopped', async () => {
      // Each grows to 3 pages; there are 4.
      const {engine, begin} = setUp({pages: 4, chunkSize: 32});
      const talks = [1, 2].map((seed) => begin(text(20, seed), 60));
      await Promise.all(talks.map(({ran}) => ran));
      for (const [i, {said}] of talks.entries()) expect(said).to.deep.equal(alone(text(20, i + 1), 60));
      expect(talks[0].places).to.deep.equal([0]);
      expect(talks[1].places).to.deep.equal([0, 1, 0]);
      expect(engine.alive).to.equal(0);
    });

    it('says so to the one that does not even fit alone', async () => {
      const {begin} = setUp({pages: 2});
      const [small, large] = [begin(text(4), 5), begin(text(100, 1), 5)];
      expect((await rejection(large.ran)).code).to.equal('out-of-memory');
      await small.ran;
      expect(small.said).to.deep.equal(alone(text(4), 5));
    });
  });

  describe('priorities', () => {
    const at = (attention: Attention): Partial<Job> => ({attention: () => attention});

    it('gives turns to the focused first, then to the visible, then to the hidden', async () => {
      const {engine, begin} = setUp({maxSequences: 1});
      let go = (): void => {};
      engine.beforeStep = () =>
        new Promise<void>((resolve) => {
          go = resolve;
        });
      const ends: string[] = [];
      const talks = (['hidden', 'visible', 'focused'] as const).map((name, i) => {
        const talk = begin(text(3, i), 2, at(name));
        void talk.ran.then(() => ends.push(name));
        return talk;
      });
      engine.beforeStep = () => {};
      await until(() => true);
      go();
      await Promise.all(talks.map(({ran}) => ran));
      expect(ends).to.deep.equal(['focused', 'visible', 'hidden']);
      // The hidden one had begun: it made room, and nothing of what it says changed.
      expect(talks[0].said).to.deep.equal(alone(text(3), 2));
    });

    it('follows them when they change', async () => {
      const {begin} = setUp({maxSequences: 1});
      let attention: Attention = 'hidden';
      const first = begin(text(3), 12, at('visible'));
      const second = begin(text(3, 1), 4, {attention: () => attention});
      await until(() => first.said.length > 3);
      attention = 'focused';
      await second.ran;
      expect(first.said.length).to.be.below(12);
      await first.ran;
      expect(first.said).to.deep.equal(alone(text(3), 12));
    });

    it('serves clients in turn, however much one of them asks', async () => {
      const {begin} = setUp({maxSequences: 1});
      const [greedy, modest] = [{}, {}];
      const ends: string[] = [];
      const talks = [greedy, greedy, greedy, modest].map((client, i) => {
        const talk = begin(text(3, i), 3, {client});
        void talk.ran.then(() => ends.push(client === greedy ? 'greedy' : 'modest'));
        return talk;
      });
      await Promise.all(talks.map(({ran}) => ran));
      expect(ends).to.deep.equal(['greedy', 'modest', 'greedy', 'greedy']);
    });
  });

  describe('ends', () => {
    it('an abort while waiting rejects the step at once', async () => {
      const {begin, scheduler} = setUp({maxSequences: 1});
      const abort = new AbortController();
      const first = begin(text(3), 20);
      const second = begin(text(3, 1), 20, {signal: abort.signal});
      await until(() => scheduler.queued === 1);
      abort.abort();
      expect((await rejection(second.ran)).name).to.equal('AbortError');
      expect(scheduler.queued).to.equal(0);
      await first.ran;
      expect(second.said).to.deep.equal([]);
    });

    it('a job that fails takes no one with it', async () => {
      const {engine, begin} = setUp();
      const good = begin(text(4), 9);
      const bad = begin(text(4, 1), 9, {
        *steps() {
          yield {tokens: text(4, 1), logits: 'last'};
          throw new Error('boom');
        },
      });
      expect((await rejection(bad.ran)).message).to.equal('boom');
      await good.ran;
      expect(good.said).to.deep.equal(alone(text(4), 9));
      expect(engine.alive).to.equal(0);
    });

    it('a generation that goes on after its error ends all the same', async () => {
      const {engine, begin} = setUp();
      engine.beforeStep = () => Promise.reject(new Error('boom'));
      const endless = begin([2], 1, {
        *steps() {
          for (;;) {
            try {
              yield {tokens: [2], logits: 'none'};
            } catch {
              // Tries again.
            }
          }
        },
      });
      expect((await rejection(endless.ran)).message).to.equal('boom');
      expect(engine.alive).to.equal(0);
    });

    it('rows that the engine refuses are refused alone', async () => {
      const {engine, begin} = setUp({contextLength: 40, chunkSize: 16});
      const good = begin(text(4), 20);
      const bad = begin(text(30, 1), 30); // runs past its context
      expect((await rejection(bad.ran)).code).to.equal('context-overflow');
      await good.ran;
      expect(good.said).to.deep.equal(alone(text(4), 20));
      expect(engine.alive).to.equal(0);
    });
  });

  describe('when the engine is lost', () => {
    const lost = new GemmaError('device-lost', 'gone');

    it('feeds everyone anew to the next one, and no one hears a difference', async () => {
      const {engine, scheduler} = setUp({chunkSize: 32});
      const recovering = new Scheduler(engine, {recovers: true});
      const talks = [1, 2, 3].map((seed) => {
        const said: number[] = [];
        const job = {client: {}, signal: new AbortController().signal};
        return {
          said,
          ran: recovering.run({...job, steps: () => speak(text(40, seed), 20, said)}),
        };
      });
      await until(() => talks[2].said.length > 5);
      engine.beforeStep = () => Promise.reject(lost);
      await until(() => recovering.stats().running === 0);
      const next = new FakeEngine({chunkSize: 32});
      recovering.resume(next);
      await Promise.all(talks.map(({ran}) => ran));
      for (const [i, {said}] of talks.entries()) expect(said).to.deep.equal(alone(text(40, i + 1), 20));
      expect(next.alive).to.equal(0);
      expect(scheduler.stats().running).to.equal(0);
    });

    it('gives up a step that never comes back', async () => {
      const engine = new FakeEngine();
      const scheduler = new Scheduler(engine, {recovers: true});
      const said: number[] = [];
      const job = {client: {}, signal: new AbortController().signal};
      const ran = scheduler.run({...job, steps: () => speak(text(4), 9, said)});
      await until(() => said.length === 3);
      engine.beforeStep = () => new Promise(() => {});
      await until(() => true);
      scheduler.suspend();
      scheduler.resume(new FakeEngine());
      await ran;
      expect(said).to.deep.equal(alone(text(4), 9));
    });

    it('tells everyone when there is no next one, and those that come later', async () => {
      const engine = new FakeEngine();
      const scheduler = new Scheduler(engine, {recovers: true});
      const job = {client: {}, signal: new AbortController().signal};
      const begin = () => rejection(scheduler.run({...job, steps: () => speak(text(4), 9)}));
      const first = begin();
      await until(() => engine.steps.length > 2);
      scheduler.fail(lost);
      expect(await first).to.equal(lost);
      expect(await begin()).to.equal(lost);
    });
  });

  for (const seed of [1, 2, 3]) {
    it(`40 random generations say what each says alone, seed ${seed}`, async () => {
      const random = seededRandom(seed);
      const below = (n: number) => Math.floor(random.uniform() * n);
      const {engine, begin, scheduler} = setUp({pages: 12, maxSequences: 6, chunkSize: 24});
      const clients = [{}, {}, {}, {}];
      const all: Promise<void>[] = [];
      let waited = 0;
      for (let i = 0; i < 40; i++) {
        // Beginnings that others have too, for a page or more or less.
        const prompt = [...text(1 + below(90)), ...text(1 + below(9), 1 + i)];
        const count = 1 + below(40);
        const abort = new AbortController();
        const attention = (['focused', 'visible', 'hidden'] as const)[below(3)];
        const talk = begin(prompt, count, {
          client: clients[below(4)],
          signal: abort.signal,
          attention: () => attention,
        });
        const stopAt = below(5) === 0 ? below(20) : Number.POSITIVE_INFINITY;
        const check = (): void => {
          expect(talk.said).to.deep.equal(alone(prompt, count).slice(0, talk.said.length));
          if (!abort.signal.aborted) expect(talk.said).to.have.length(count);
          if (talk.places.some((place) => place > 0)) waited++;
        };
        all.push(
          talk.ran.then(check, (error) => {
            if (!abort.signal.aborted) throw error;
            check();
          }),
        );
        await until(() => below(3) === 0);
        if (stopAt < 20) abort.abort();
      }
      await Promise.all(all);
      expect(waited).to.be.above(3);
      expect(engine.alive).to.equal(0);
      expect(scheduler.stats()).to.include({running: 0, queued: 0});
      expect(engine.cache.counts('full').used).to.equal(0);
    });
  }
});

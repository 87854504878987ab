import {expect} from 'chai';
import {type CachedSequence, KvCache, type KvCacheShape} from '../../../../src/engine/kv/kv-cache.ts';
import {GemmaError} from '../../../../src/errors.ts';

const SHAPE: KvCacheShape = {pages: 8, slidingPages: 8, window: 40, maxSequences: 4, contextLength: 256};
const text = (n: number, seed = 0) => Array.from({length: n}, (_, i) => 1000 * seed + i);

function create(shape: Partial<KvCacheShape> = {}): KvCache {
  return new KvCache({...SHAPE, ...shape});
}

function feed(cache: KvCache, sequence: CachedSequence, tokens: readonly number[]) {
  const copies = cache.reserve([{sequence, positions: tokens.length}]);
  cache.append(sequence, tokens);
  return copies;
}

/** A sequence for `tokens`, as a generation makes one: what is known is taken, the rest is fed. */
function prompt(cache: KvCache, tokens: readonly number[]): {sequence: CachedSequence; cached: number} {
  const sequence = cache.createSequence(tokens.slice(0, -1));
  const cached = sequence.tokens.length;
  feed(cache, sequence, tokens.slice(cached));
  return {sequence, cached};
}

const used = (cache: KvCache) => [cache.counts('full').used, cache.counts('sliding').used];

describe('KvCache', () => {
  it('gives a page for every 32 positions, when they are needed', () => {
    const cache = create({window: 0, slidingPages: 0});
    const sequence = cache.createSequence();
    const pages = [1, 31, 1, 31, 32].map((n) => {
      feed(cache, sequence, text(n));
      return sequence.full.length;
    });
    expect(pages).to.deep.equal([1, 1, 2, 2, 3]);
    expect(sequence.sliding).to.deep.equal([]);
    expect(used(cache)).to.deep.equal([3, 0]);
  });

  it('lets go of sliding pages that no later position sees', () => {
    const cache = create();
    const sequence = cache.createSequence();
    const visible = [32, 38, 1, 31, 1].map((n) => {
      feed(cache, sequence, text(n));
      return sequence.sliding.filter((page) => page >= 0).length;
    });
    // The next position p sees p − 39 … p: page 0 goes with 71 tokens, page 1 with 103.
    expect(visible).to.deep.equal([1, 3, 2, 3, 2]);
    expect(sequence.sliding).to.deep.equal([-1, -1, 2, 3]);
    expect(sequence.full).to.have.length(4);
  });

  it('tells which table entries changed, once, a table a group', () => {
    const cache = create({contextLength: 128});
    const second = [cache.createSequence(), cache.createSequence()][1];
    expect(cache.tables.full.takeChanges()).to.equal(null);
    feed(cache, second, text(65, 1));
    // Entries that are already right count as unchanged: the first page of all is page 0.
    expect(cache.tables.full.takeChanges()).to.deep.equal([5, 7]);
    expect(cache.tables.sliding.takeChanges()).to.deep.equal([5, 7]);
    feed(cache, second, text(20));
    expect(cache.tables.full.takeChanges()).to.equal(null);
  });

  describe('truncate', () => {
    it('cuts back to any length, gives pages back, and goes on from there', () => {
      const cache = create();
      const sequence = cache.createSequence();
      feed(cache, sequence, text(70));
      expect(sequence.truncate(70)).to.equal(70);
      expect(sequence.truncate(65)).to.equal(65);
      expect(used(cache)).to.deep.equal([3, 3]);
      expect(sequence.truncate(40)).to.equal(40);
      expect(sequence.tokens).to.deep.equal(text(40));
      expect(used(cache)).to.deep.equal([2, 2]);
      // Page 1 is kept with all of its 32 tokens: what is written from position 40 on goes to a copy.
      const [kept] = [sequence.full[1]];
      expect(feed(cache, sequence, text(5, 1)).map(({from, group}) => [group, from])).to.deep.include(['full', kept]);
      expect(sequence.truncate(0)).to.equal(0);
      expect(used(cache)).to.deep.equal([0, 0]);
    });

    it('writes on in its own page where nothing else uses it', () => {
      const cache = create();
      const sequence = cache.createSequence();
      feed(cache, sequence, text(50));
      sequence.truncate(48);
      expect(feed(cache, sequence, text(3, 1))).to.deep.equal([]);
      expect(sequence.tokens).to.deep.equal([...text(48), ...text(3, 1)]);
    });

    it('leaves a clone and what was kept as they were', () => {
      const cache = create();
      const sequence = cache.createSequence();
      feed(cache, sequence, text(70));
      const clone = sequence.clone();
      sequence.truncate(33);
      expect(clone.tokens).to.deep.equal(text(70));
      expect(cache.createSequence(text(64)).tokens).to.have.length(64);
    });

    it('takes sliding pages back that the index has kept, and is cut further where they are gone', () => {
      for (const [sharePrefixes, held] of [
        [true, 60],
        [false, 0],
      ] as const) {
        const cache = create({sharePrefixes});
        const sequence = cache.createSequence();
        for (let at = 0; at < 160; at += 32) feed(cache, sequence, text(160).slice(at, at + 32));
        // Position 159 saw pages 3 and 4; position 60 sees 21 … 60, pages 0 and 1, which had left the window.
        expect(sequence.truncate(60), `sharePrefixes ${sharePrefixes}`).to.equal(held);
        expect(sequence.tokens).to.deep.equal(text(held));
        feed(cache, sequence, text(160).slice(held, 100));
        expect(sequence.tokens).to.deep.equal(text(100));
      }
    });

    it('refuses lengths that it does not hold, and a freed sequence', () => {
      const cache = create();
      const sequence = cache.createSequence();
      feed(cache, sequence, text(10));
      for (const length of [11, -1, 1.5, Number.NaN]) expect(() => sequence.truncate(length)).to.throw(/cannot cut 10/);
      sequence.free();
      expect(() => sequence.truncate(0)).to.throw(/freed/);
    });
  });

  describe('sharing', () => {
    it('starts a prompt on the pages of the sequence that has the same beginning', () => {
      const cache = create();
      const {sequence: first} = prompt(cache, text(100));
      const {sequence: second, cached} = prompt(cache, [...text(96), ...text(9, 1)]);
      expect(cached).to.equal(96);
      expect(second.full.slice(0, 3)).to.deep.equal(first.full.slice(0, 3));
      expect(cache.counts('full')).to.include({used: 5, shared: 3});
    });

    it('keeps what a freed sequence held, to the token', () => {
      const cache = create();
      prompt(cache, text(50)).sequence.free();
      expect(used(cache)).to.deep.equal([0, 0]);
      expect(cache.counts('full')).to.include({cached: 2, free: 6});
      expect(prompt(cache, [...text(50), 7, 7]).cached).to.equal(50);
    });

    it('copies a page that others keep before it is written', () => {
      const cache = create();
      prompt(cache, text(50)).sequence.free();
      const sequence = cache.createSequence([...text(45), 7]);
      expect(sequence.tokens).to.deep.equal(text(45));
      const [from] = sequence.full.slice(-1);
      const copies = feed(cache, sequence, [7]);
      expect(copies.map(({group}) => group)).to.deep.equal(['full', 'sliding']);
      expect(copies[0]).to.include({from, to: sequence.full[1]});
      // The copy is its own.
      expect(feed(cache, sequence, [8])).to.deep.equal([]);
      // And the original still serves.
      expect(prompt(cache, [...text(50), 9]).cached).to.equal(50);
    });

    it('clones for nothing; the first to write gets the copy', () => {
      const cache = create();
      const {sequence} = prompt(cache, text(40));
      const clone = sequence.clone();
      expect(clone.tokens).to.deep.equal(text(40));
      expect(used(cache)).to.deep.equal([2, 2]);
      expect(feed(cache, clone, [1])).to.have.length(2);
      expect(feed(cache, sequence, [2])).to.have.length(0);
      expect(clone.full[1]).to.not.equal(sequence.full[1]);
      expect(clone.full[0]).to.equal(sequence.full[0]);
    });

    it('keeps one of two pages that were computed side by side', () => {
      const cache = create();
      const [a, b] = [cache.createSequence(), cache.createSequence()];
      cache.reserve([
        {sequence: a, positions: 64},
        {sequence: b, positions: 64},
      ]);
      expect(cache.counts('full').used).to.equal(4);
      cache.append(a, text(64));
      cache.append(b, text(64));
      expect(b.full).to.deep.equal(a.full);
      expect(used(cache)).to.deep.equal([2, 2]);
      expect(cache.tables.full.entries.subarray(b.table, b.table + 2)).to.deep.equal(Uint32Array.from(a.full));
    });

    it('goes back to where the sliding layers still see enough', () => {
      const cache = create({pages: 16, slidingPages: 5});
      const long = cache.createSequence();
      for (let at = 0; at < 160; at += 32) feed(cache, long, text(160).slice(at, at + 32));
      long.free();
      // All five sliding pages are still kept; then another text takes the three that were left longest ago.
      expect(cache.createSequence(text(159)).tokens).to.have.length(159);
      prompt(cache, text(96, 1)).sequence.free();
      // 64 tokens would need page 0 and 1 of the sliding layers; 159 need 3 and 4.
      expect(cache.createSequence(text(64)).tokens).to.have.length(0);
      expect(cache.createSequence(text(159)).tokens).to.have.length(159);
    });

    it('gives up the contents that were unused longest, ends before beginnings', () => {
      const cache = create({window: 0, slidingPages: 0, pages: 6});
      prompt(cache, text(96, 1)).sequence.free();
      prompt(cache, text(96, 2)).sequence.free();
      prompt(cache, text(64, 3)).sequence.free();
      // Two pages of the first text had to go, its last ones.
      expect(cache.createSequence(text(96, 1)).tokens).to.have.length(32);
      expect(cache.createSequence(text(96, 2)).tokens).to.have.length(96);
    });
  });

  describe('refusals', () => {
    it('come before anything changes, past the context', () => {
      const cache = create({contextLength: 40});
      const [a, b] = [cache.createSequence(), cache.createSequence()];
      feed(cache, a, text(40));
      const act = () =>
        cache.reserve([
          {sequence: b, positions: 40},
          {sequence: a, positions: 1},
        ]);
      expect(act)
        .to.throw(GemmaError, /41 tokens; the context holds 40/)
        .with.property('code', 'context-overflow');
      expect([b.full.length, cache.counts('full').used]).to.deep.equal([0, 2]);
    });

    for (const short of ['pages', 'slidingPages'] as const) {
      it(`come before anything changes, past the pool's ${short}`, () => {
        const cache = create({[short]: 3});
        const [a, b] = [cache.createSequence(), cache.createSequence()];
        feed(cache, a, text(33));
        const act = () =>
          cache.reserve([
            {sequence: b, positions: 1},
            {sequence: a, positions: 32},
          ]);
        expect(act)
          .to.throw(GemmaError, /2 more pages.* 1 of 3 can be had/)
          .with.property('code', 'out-of-memory');
        expect([a.full.length, b.full.length, ...used(cache)]).to.deep.equal([2, 0, 2, 2]);
      });
    }

    it('of one sequence too many end when one is freed', () => {
      const cache = create({maxSequences: 1});
      const first = cache.createSequence();
      for (const act of [() => cache.createSequence(), () => first.clone()]) {
        expect(act).to.throw(GemmaError).with.property('code', 'out-of-memory');
      }
      first.free();
      first.free();
      expect(cache.sequences).to.equal(0);
      expect(cache.createSequence().slot).to.equal(0);
    });

    it('name a freed sequence', () => {
      const cache = create();
      const sequence = cache.createSequence();
      sequence.free();
      const acts = [() => cache.reserve([{sequence, positions: 1}]), () => sequence.clone()];
      for (const act of acts) expect(act).to.throw(GemmaError).with.property('code', 'closed');
    });
  });
});

import {expect} from 'chai';
import {type CachedSequence, KvCache, PAGE_SIZE} from '../../../src/engine/kv-cache.ts';
import {GemmaError} from '../../../src/errors.ts';
import {seededRandom} from '../../fixtures/random.ts';

const tokens = (n: number) => Array.from({length: n}, (_, i) => i);

function grow(cache: KvCache, sequence: CachedSequence, positions: number): void {
  cache.reserve([{sequence, positions}]);
  sequence.append(tokens(positions));
}

const pagesOf = (cache: KvCache, sequence: CachedSequence) => [
  ...cache.tables.subarray(sequence.table, sequence.table + sequence.pages),
];

describe('KvCache', () => {
  it('gives a page for every 32 positions, when they are needed', () => {
    const cache = new KvCache({pages: 8, maxSequences: 2, contextLength: 128});
    const sequence = cache.createSequence();
    const used = [1, 31, 1, 31, 32].map((n) => {
      grow(cache, sequence, n);
      return cache.pagesUsed;
    });
    expect(used).to.deep.equal([1, 1, 2, 2, 3]);
    expect(pagesOf(cache, sequence)).to.deep.equal([0, 1, 2]);
  });

  it('tells which table entries changed, once', () => {
    const cache = new KvCache({pages: 8, maxSequences: 2, contextLength: 128});
    const [, second] = [cache.createSequence(), cache.createSequence()];
    expect(cache.takeChanges()).to.equal(null);
    grow(cache, second, 40);
    expect(cache.takeChanges()).to.deep.equal([4, 6]);
    grow(cache, second, 20);
    expect(cache.takeChanges()).to.equal(null);
  });

  it('refuses growth past the context before it changes anything', () => {
    const cache = new KvCache({pages: 8, maxSequences: 2, contextLength: 40});
    const [a, b] = [cache.createSequence(), cache.createSequence()];
    grow(cache, a, 40);
    const act = () =>
      cache.reserve([
        {sequence: b, positions: 40},
        {sequence: a, positions: 1},
      ]);
    expect(act)
      .to.throw(GemmaError, /41 tokens; the context holds 40/)
      .with.property('code', 'context-overflow');
    expect([b.pages, cache.pagesUsed]).to.deep.equal([0, 2]);
  });

  it('refuses growth past the pool before it changes anything', () => {
    const cache = new KvCache({pages: 3, maxSequences: 2, contextLength: 128});
    const [a, b] = [cache.createSequence(), cache.createSequence()];
    grow(cache, a, 33);
    const act = () =>
      cache.reserve([
        {sequence: b, positions: 1},
        {sequence: a, positions: 32},
      ]);
    expect(act)
      .to.throw(GemmaError, /2 more pages.* 1 of 3 are free/)
      .with.property('code', 'out-of-memory');
    expect([a.pages, b.pages, cache.pagesUsed]).to.deep.equal([2, 0, 2]);
  });

  it('refuses one sequence too many, and takes another after one is freed', () => {
    const cache = new KvCache({pages: 3, maxSequences: 1, contextLength: 64});
    const first = cache.createSequence();
    expect(() => cache.createSequence())
      .to.throw(GemmaError)
      .with.property('code', 'out-of-memory');
    first.free();
    first.free();
    expect(cache.sequences).to.equal(0);
    expect(cache.createSequence().slot).to.equal(0);
  });

  it('refuses a freed sequence', () => {
    const cache = new KvCache({pages: 3, maxSequences: 2, contextLength: 64});
    const sequence = cache.createSequence();
    sequence.free();
    const act = () => cache.reserve([{sequence, positions: 1}]);
    expect(act).to.throw(GemmaError).with.property('code', 'closed');
    expect(() => sequence.truncate(0))
      .to.throw(GemmaError)
      .with.property('code', 'closed');
  });

  it('gives back pages that were reserved and never filled', () => {
    const cache = new KvCache({pages: 3, maxSequences: 2, contextLength: 96});
    const sequence = cache.createSequence();
    cache.reserve([{sequence, positions: 70}]);
    expect(cache.pagesUsed).to.equal(3);
    sequence.truncate(sequence.tokens.length);
    expect(cache.pagesUsed).to.equal(0);
  });

  it('keeps a truncated sequence on the pages it had', () => {
    const cache = new KvCache({pages: 8, maxSequences: 2, contextLength: 128});
    const sequence = cache.createSequence();
    grow(cache, sequence, 100);
    sequence.truncate(33);
    expect(pagesOf(cache, sequence)).to.deep.equal([0, 1]);
    expect(sequence.tokens).to.deep.equal(tokens(33));
    sequence.truncate(1000);
    expect(sequence.tokens).to.have.length(33);
  });

  // A model with nothing but lengths: after any history, each sequence has the pages its length needs, no page is in two
  // tables, and refusals come exactly when the model says so.
  for (const seed of [1, 2, 3]) {
    it(`agrees with a simple model over 3000 random acts, seed ${seed}`, () => {
      const shape = {pages: 12, maxSequences: 4, contextLength: 5 * PAGE_SIZE - 3};
      const cache = new KvCache(shape);
      const random = seededRandom(seed);
      const below = (n: number) => Math.floor(random.uniform() * n);
      const alive: {sequence: CachedSequence; length: number}[] = [];
      const needs = (length: number) => Math.ceil(length / PAGE_SIZE);
      const refusals = {context: 0, pages: 0, sequences: 0};
      for (let step = 0; step < 3000; step++) {
        const act = below(10);
        const one = alive[below(alive.length)];
        if (act === 0) {
          if (alive.length === shape.maxSequences) {
            refusals.sequences++;
            expect(() => cache.createSequence()).to.throw(GemmaError);
          } else alive.push({sequence: cache.createSequence(), length: 0});
        } else if (!one) continue;
        else if (act === 1 && below(3) === 0) {
          one.sequence.free();
          alive.splice(alive.indexOf(one), 1);
        } else if (act === 2) {
          one.length = below(one.length + 1);
          one.sequence.truncate(one.length);
        } else {
          const positions = 1 + below(50);
          const used = alive.reduce((sum, {length}) => sum + needs(length), 0);
          const overflow = one.length + positions > shape.contextLength;
          const full = used - needs(one.length) + needs(one.length + positions) > shape.pages;
          if (overflow || full) {
            refusals[overflow ? 'context' : 'pages']++;
            expect(() => grow(cache, one.sequence, positions)).to.throw(GemmaError);
          } else {
            grow(cache, one.sequence, positions);
            one.length += positions;
          }
        }
        const pages = alive.flatMap(({sequence}) => pagesOf(cache, sequence));
        expect(new Set(pages).size).to.equal(pages.length);
        expect(alive.map(({sequence}) => sequence.pages)).to.deep.equal(alive.map(({length}) => needs(length)));
        expect(cache.pagesUsed).to.equal(pages.length);
      }
      for (const count of Object.values(refusals)) expect(count).to.be.above(10); // every refusal was exercised
    });
  }
});

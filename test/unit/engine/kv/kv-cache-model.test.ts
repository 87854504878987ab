// The cache against a model of what memory holds: every page of every group is an array of what was written to each of
// its places, copies and writes are carried out as a step would, and after each act every live sequence must find
// everywhere it may look exactly what it would have written itself.
import {expect} from 'chai';
import {seededRandom} from '../../../../scripts/model-files/random.ts';
import {type CachedSequence, KvCache, type KvCacheShape} from '../../../../src/engine/kv/kv-cache.ts';
import {PAGE_SIZE, type PageGroup} from '../../../../src/engine/kv/pages.ts';
import {GemmaError} from '../../../../src/errors.ts';

const GROUPS = ['full', 'sliding'] as const;

/** What a key at the end of these tokens is: equal for equal tokens. */
class Contents {
  readonly #known = new Map<string, number>();

  of(tokens: readonly number[]): number[] {
    let at = 0;
    return tokens.map((token) => {
      const key = `${at} ${token}`;
      at = this.#known.get(key) ?? this.#known.set(key, this.#known.size + 1).size;
      return at;
    });
  }
}

class Memory {
  readonly cache: KvCache;
  readonly #pages: Record<PageGroup, number[][]>;
  readonly #contents = new Contents();

  constructor(shape: KvCacheShape) {
    this.cache = new KvCache(shape);
    const blank = (n: number) => Array.from({length: n}, () => new Array<number>(PAGE_SIZE).fill(0));
    this.#pages = {full: blank(shape.pages), sliding: blank(shape.slidingPages)};
  }

  /** One step over several sequences, as the engine runs it. */
  step(
    inputs: readonly {sequence: CachedSequence; tokens: readonly number[]}[],
    everyone: readonly CachedSequence[],
  ): void {
    const copies = this.cache.reserve(inputs.map(({sequence, tokens}) => ({sequence, positions: tokens.length})));
    for (const {group, from, to} of copies) this.#pages[group][to] = [...this.#pages[group][from]];
    for (const {sequence, tokens} of inputs) {
      const contents = this.#contents.of([...sequence.tokens, ...tokens]);
      for (let p = sequence.tokens.length; p < contents.length; p++) {
        for (const group of GROUPS) {
          if (group === 'sliding' && this.cache.shape.window === 0) continue;
          const page = this.#table(sequence, group, p);
          const users = everyone.filter((other) => other[group].includes(page));
          expect(users, `page ${page} is written by one`).to.deep.equal([sequence]);
          this.#pages[group][page][p % PAGE_SIZE] = contents[p];
        }
      }
    }
    for (const {sequence, tokens} of inputs) this.cache.append(sequence, tokens);
  }

  check(sequence: CachedSequence): void {
    const {window} = this.cache.shape;
    const contents = this.#contents.of(sequence.tokens);
    contents.forEach((content, p) => {
      expect(this.#pages.full[this.#table(sequence, 'full', p)][p % PAGE_SIZE]).to.equal(content);
      if (window === 0 || p <= contents.length - window) return;
      expect(this.#pages.sliding[this.#table(sequence, 'sliding', p)][p % PAGE_SIZE]).to.equal(content);
    });
  }

  #table(sequence: CachedSequence, group: PageGroup, position: number): number {
    return this.cache.tables[group].entries[sequence.table + Math.floor(position / PAGE_SIZE)];
  }
}

const SHAPES: Record<string, KvCacheShape> = {
  'both groups': {pages: 14, slidingPages: 9, window: 40, maxSequences: 5, contextLength: 5 * PAGE_SIZE - 3},
  'few sliding pages': {pages: 30, slidingPages: 5, window: 33, maxSequences: 4, contextLength: 5 * PAGE_SIZE},
  'a window of one': {pages: 8, slidingPages: 12, window: 1, maxSequences: 4, contextLength: 4 * PAGE_SIZE},
  'no sliding layers': {pages: 10, slidingPages: 0, window: 0, maxSequences: 4, contextLength: 5 * PAGE_SIZE},
};

describe('KvCache against a model of memory', () => {
  for (const [name, shape] of Object.entries(SHAPES)) {
    it(`${name}: 1000 random acts`, () => {
      const memory = new Memory(shape);
      const {cache} = memory;
      const random = seededRandom(name.length);
      const below = (n: number) => Math.floor(random.uniform() * n);
      // Three tokens in long runs: beginnings are shared, and part at random places.
      const some = (n: number) => Array.from({length: n}, () => (below(40) === 0 ? 1 + below(2) : 0));
      let alive: CachedSequence[] = [];
      const seen = {context: 0, pages: 0, sequences: 0, reused: 0, partly: 0, copied: 0, clones: 0, cut: 0};
      const lost = {cutFurther: 0, restored: 0};
      for (let act = 0; act < 1000; act++) {
        const kind = below(13);
        const one = alive[below(alive.length)];
        if (kind <= 1) {
          const prompt = some(below(shape.contextLength));
          if (alive.length === shape.maxSequences) {
            seen.sequences++;
            expect(() => cache.createSequence(prompt)).to.throw(GemmaError);
            continue;
          }
          const sequence = cache.createSequence(prompt);
          const {length} = sequence.tokens;
          expect(sequence.tokens).to.deep.equal(prompt.slice(0, length));
          if (length > 0) seen.reused++;
          if (length % PAGE_SIZE !== 0) seen.partly++;
          alive.push(sequence);
        } else if (!one) continue;
        else if (kind === 2) {
          one.free();
          alive = alive.filter((sequence) => sequence !== one);
        } else if (kind === 3 && alive.length < shape.maxSequences) {
          seen.clones++;
          alive.push(one.clone());
        } else if (kind === 12 && below(2) === 0) {
          const before = [...one.tokens];
          // Often a token or two, as speculation does; sometimes anything.
          const length = before.length - below(Math.min(before.length, below(2) > 0 ? 3 : before.length) + 1);
          const first = shape.window === 0 ? 0 : Math.floor(Math.max(0, length + 1 - shape.window) / PAGE_SIZE);
          const visible = one.sliding.slice(first, Math.ceil(length / PAGE_SIZE)).every((page) => page >= 0);
          const held = one.truncate(length);
          expect(one.tokens).to.deep.equal(before.slice(0, held));
          expect(held).to.be.at.most(length);
          if (visible) expect(held).to.equal(length);
          if (held === length) seen.cut++;
          else lost.cutFurther++;
          if (!visible && held === length) lost.restored++;
        } else {
          const inputs = alive
            .filter((sequence) => sequence === one || below(2) === 0)
            .map((sequence) => ({sequence, tokens: some(below(3) === 0 ? below(50) : 1)}));
          const growths = inputs.map(({sequence, tokens}) => ({sequence, positions: tokens.length}));
          const overflow = inputs.some(
            ({sequence, tokens}) => sequence.tokens.length + tokens.length > shape.contextLength,
          );
          const short = GROUPS.some((group) => {
            const pages = group === 'full' ? shape.pages : shape.slidingPages;
            const used = new Set(alive.flatMap((sequence) => sequence[group].filter((page) => page >= 0)));
            expect(cache.counts(group).used).to.equal(used.size);
            return cache.wanted(group, growths) > pages - used.size;
          });
          if (overflow || short) {
            seen[overflow ? 'context' : 'pages']++;
            const before = alive.map(({tokens, full, sliding}) => [tokens.length, [...full], [...sliding]]);
            expect(() => memory.step(inputs, alive)).to.throw(GemmaError);
            expect(alive.map(({tokens, full, sliding}) => [tokens.length, full, sliding])).to.deep.equal(before);
          } else {
            const tails = inputs.map(({sequence}) => sequence.full.at(-1));
            const lengths = inputs.map(({sequence}) => sequence.full.length);
            memory.step(inputs, alive);
            if (inputs.some(({sequence}, i) => lengths[i] > 0 && sequence.full[lengths[i] - 1] !== tails[i]))
              seen.copied++;
          }
        }
        for (const sequence of alive) memory.check(sequence);
      }
      for (const sequence of alive) sequence.free();
      expect(cache.counts('full').used).to.equal(0);
      expect(cache.counts('sliding').used).to.equal(0);
      // Without sliding layers nothing is lost, and a window of one loses nothing before the page it is in.
      if (shape.window > 1) expect(Math.min(lost.cutFurther, lost.restored)).to.be.above(0);
      for (const [what, times] of Object.entries(seen)) expect(times, what).to.be.above(5); // everything happened
    });
  }
});

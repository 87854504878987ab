import {expect} from 'chai';
import {logSoftmax} from '../../../../src/engine/sampling/log-softmax.ts';
import {createSampler} from '../../../../src/engine/sampling/sampler.ts';
import {selectTop} from '../../../../src/engine/sampling/select-top.ts';
import type {SamplerOptions} from '../../../../src/engine/sampling/settings.ts';
import {GemmaError} from '../../../../src/errors.ts';

/** Logits whose softmax is these probabilities. */
const logitsOf = (...p: number[]) => Float32Array.from(p, Math.log);
const ALL: SamplerOptions = {temperature: 1, topK: 0, topP: 1, minP: 0, seed: 1};

/** How often each id comes up in `n` draws, as a share. */
function shares(logits: Float32Array, options: SamplerOptions, n = 20_000, history?: number[]): number[] {
  const sampler = createSampler({...ALL, ...options});
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < n; i++) counts[sampler.sample(logits, history).id]++;
  return counts.map((count) => count / n);
}

/** 20,000 draws have a standard deviation of at most 0.0036 a share; the seed is fixed. */
function expectShares(found: number[], expected: number[]): void {
  expected.forEach((p, id) => {
    if (p === 0) expect(found[id], `id ${id}`).to.equal(0);
    else expect(found[id], `id ${id}`).to.be.closeTo(p, 0.015);
  });
}

describe('sampler', () => {
  const p = [0.1, 0.4, 0.05, 0.3, 0.15];

  it('draws from the distribution of the logits', () => expectShares(shares(logitsOf(...p), {}), p));

  it('is greedy at temperature 0, and takes the lowest id of equals', () => {
    expect(createSampler({temperature: 0}).sample(Float32Array.of(1, 3, 2, 3)).id).to.equal(1);
    expect(createSampler({...ALL, topK: 1}).sample(Float32Array.of(1, 3, 2, 3)).id).to.equal(1);
  });

  it('sharpens with a low temperature and flattens with a high one', () => {
    const powered = (t: number) => {
      const w = p.map((x) => x ** (1 / t));
      return w.map((x) => x / w.reduce((a, b) => a + b));
    };
    expectShares(shares(logitsOf(...p), {temperature: 0.5}), powered(0.5));
    expectShares(shares(logitsOf(...p), {temperature: 3}), powered(3));
  });

  it('draws from allowed ids as if there were no others, and reports the log-probability among all', () => {
    const allowed = Uint32Array.of(0b10110);
    const sampler = createSampler({...ALL, logprobs: true, topLogprobs: 2});
    const counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) counts[sampler.sample(logitsOf(...p), [], allowed).id]++;
    const share = 0.4 + 0.05 + 0.15;
    expectShares(
      counts.map((count) => count / 20_000),
      [0, 0.4 / share, 0.05 / share, 0, 0.15 / share],
    );
    // Of three allowed ones, top-k keeps the two likeliest.
    const greedy = createSampler({temperature: 0, logprobs: true, topLogprobs: 2});
    const sample = greedy.sample(logitsOf(...p), [], Uint32Array.of(0b10100));
    expect(sample.id).to.equal(4);
    expect(sample.logprob).to.be.closeTo(Math.log(0.15), 1e-6);
    expect(sample.top?.map(({id}) => id)).to.deep.equal([1, 3]);
    const two = createSampler({...ALL, topK: 2});
    const chosen = new Set(Array.from({length: 500}, () => two.sample(logitsOf(...p), [], allowed).id));
    expect([...chosen].sort()).to.deep.equal([1, 4]);
    expect(() => greedy.sample(logitsOf(...p), [], Uint32Array.of(0))).to.throw(GemmaError);
  });

  it('adds a bias to logits, and takes penalties for what the answer has, not for the prompt', () => {
    const greedy = (options: SamplerOptions, history: number[] = []) =>
      createSampler({temperature: 0, ...options}).sample(Float32Array.of(1, 3, 2, 0), history).id;
    expect(greedy({logitBias: [[3, 4]]})).to.equal(3);
    expect(greedy({logitBias: [[1, Number.NEGATIVE_INFINITY]]})).to.equal(2);
    // 3 − 2 · 0.6 is below 2; once it is not.
    expect(greedy({frequencyPenalty: 0.6}, [1])).to.equal(1);
    expect(greedy({frequencyPenalty: 0.6}, [1, 1])).to.equal(2);
    expect(greedy({presencePenalty: 0.6}, [1, 1])).to.equal(1);
    expect(greedy({presencePenalty: 1.5}, [1])).to.equal(2);
    expect(greedy({presencePenalty: 1.5, answerFrom: 1}, [1])).to.equal(1);
  });

  it('keeps the k likeliest', () => expectShares(shares(logitsOf(...p), {topK: 2}), [0, 4 / 7, 0, 3 / 7, 0]));

  it('keeps the lower ids of equals at the edge of top-k', () =>
    expectShares(shares(Float32Array.of(0, 0, 0, 0), {topK: 2}), [0.5, 0.5, 0, 0]));

  it('keeps the fewest tokens that reach top-p', () => {
    // 0.4 + 0.3 = 0.7 is short of 0.75, so 0.15 comes in too.
    expectShares(shares(logitsOf(...p), {topP: 0.75}), [0, 0.4 / 0.85, 0, 0.3 / 0.85, 0.15 / 0.85]);
    expectShares(shares(logitsOf(...p), {topP: 0.001}), [0, 1, 0, 0, 0]);
  });

  it('looks at what top-k left, renormalised, for top-p', () =>
    // Of 0.4 and 0.3 the first is 0.571 of the whole; of all it would be 0.4, and both would be needed.
    expectShares(shares(logitsOf(...p), {topK: 2, topP: 0.5}), [0, 1, 0, 0, 0]));

  it('drops what is below min-p of the likeliest', () =>
    expectShares(shares(logitsOf(...p), {minP: 0.5}), [0, 4 / 7, 0, 3 / 7, 0]));

  it('applies the temperature after the filters', () =>
    expectShares(shares(logitsOf(...p), {minP: 0.5, temperature: 100}), [0, 0.5, 0, 0.5, 0]));

  it('penalises tokens of the history once each, towards less likely on both sides of zero', () => {
    const weights = [2 / 2, 1, -1 * 2, -1].map(Math.exp);
    const total = weights.reduce((a, b) => a + b);
    const found = shares(Float32Array.of(2, 1, -1, -1), {repetitionPenalty: 2}, 20_000, [0, 0, 2]);
    expectShares(
      found,
      weights.map((w) => w / total),
    );
  });

  it('forgets what lies behind the repetition window', () => {
    const greedy = createSampler({temperature: 0, repetitionPenalty: 4, repetitionWindow: 2});
    expect(greedy.sample(Float32Array.of(2, 1, 0), [0, 2, 2]).id).to.equal(0);
    expect(greedy.sample(Float32Array.of(2, 1, 0), [0, 2]).id).to.equal(1);
  });

  it('leaves the logits as they are', () => {
    const logits = Float32Array.of(2, 1);
    createSampler({repetitionPenalty: 2, temperature: 0}).sample(logits, [0, 1]);
    expect([...logits]).to.deep.equal([2, 1]);
  });

  it('never draws a suppressed token', () => {
    const logits = logitsOf(0.5, 0, 0.5); // ln 0 = −∞
    expectShares(shares(logits, {}), [0.5, 0, 0.5]);
    expectShares(shares(logits, {topK: 3, topP: 0.999999}), [0.5, 0, 0.5]);
  });

  it('finds a nucleus wider than its first selection', () => {
    // 3000 equal tokens: top-p 0.5 is exactly the first 1500 of them, the selection of 256 must grow twice.
    const seen = new Set<number>();
    const sampler = createSampler({...ALL, topP: 0.5});
    const logits = new Float32Array(3000);
    for (let i = 0; i < 300; i++) seen.add(sampler.sample(logits).id);
    expect(Math.max(...seen)).to.be.within(1450, 1499);
    expect(seen.size).to.be.above(250);
  });

  it('gives the same tokens for the same seed, others for another', () => {
    const logits = new Float32Array(1000);
    const run = (seed: number) => {
      const sampler = createSampler({...ALL, seed});
      return Array.from({length: 20}, () => sampler.sample(logits).id).join();
    };
    expect(run(5)).to.equal(run(5));
    expect(run(5)).not.to.equal(run(6));
    expect(createSampler({}).seed).not.to.equal(createSampler({}).seed);
  });

  it("reports the model's own log-probabilities, untouched by options", () => {
    const sampler = createSampler({temperature: 0, topK: 1, repetitionPenalty: 9, logprobs: true, topLogprobs: 2});
    const sample = sampler.sample(logitsOf(...p), []);
    expect(sample.id).to.equal(1);
    expect(sample.logprob).to.be.closeTo(Math.log(0.4), 1e-6);
    expect(sample.top!.map(({id}) => id)).to.deep.equal([1, 3]);
    expect(sample.top![1].logprob).to.be.closeTo(Math.log(0.3), 1e-6);
    expect(createSampler({}).sample(logitsOf(...p))).not.to.have.property('logprob');
  });

  const bad: [SamplerOptions, RegExp][] = [
    [{temperature: -1}, /temperature is -1/],
    [{temperature: Number.NaN}, /temperature is NaN/],
    [{topK: 1.5}, /top_k is 1.5/],
    [{topP: 0}, /top_p is 0/],
    [{minP: 2}, /min_p is 2/],
    [{repetitionPenalty: 0}, /repetition_penalty is 0/],
    [{seed: -1}, /seed is -1/],
    [{topLogprobs: 21}, /top_logprobs is 21/],
    [{topK: '4' as unknown as number}, /top_k is 4/],
  ];
  for (const [options, message] of bad) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      expect(() => createSampler(options))
        .to.throw(GemmaError, message)
        .with.property('code', 'option-invalid');
    });
  }

  for (const [name, logits] of [
    ['NaN', Float32Array.of(1, Number.NaN)],
    ['+Infinity', Float32Array.of(1, Number.POSITIVE_INFINITY)],
    ['only suppressed tokens', Float32Array.of(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)],
  ] as const) {
    it(`throws on ${name} instead of choosing`, () => {
      for (const options of [{temperature: 0}, {}]) {
        expect(() => createSampler(options).sample(logits))
          .to.throw(GemmaError)
          .with.property('code', 'internal');
      }
      expect(() => logSoftmax(logits, 0)).to.throw(GemmaError);
    });
  }
});

describe('selectTop', () => {
  // Few distinct values make ties frequent; sizes around the heap's edges.
  for (const [length, n] of [
    [0, 3],
    [1, 1],
    [7, 7],
    [100, 1],
    [100, 64],
    [1000, 999],
    [50, 80],
  ] as const) {
    it(`equals the head of a full sort, ${n} of ${length}`, () => {
      const logits = Float32Array.from({length}, (_, i) => Math.imul(i + 1, 2654435761) % 17);
      const sorted = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
      expect([...selectTop(logits, n)]).to.deep.equal(sorted.slice(0, n));
    });
  }

  it('leaves −Infinity out', () => {
    expect([...selectTop(Float32Array.of(Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY), 3)]).to.deep.equal([
      1,
    ]);
  });
});

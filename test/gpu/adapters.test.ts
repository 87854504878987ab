// Adapters in whole forward passes: against float64 with the same terms, and against themselves: a row's bits depend on
// no other row, whatever adapters are beside it.
import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import type {ModelSpec} from '../../scripts/model-files/model.ts';
import type {LowRankFactors, SequenceAdapter} from '../../src/engine/engine.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import {ALL_FUSIONS} from '../../src/engine/graph/fused.ts';
import type {Variants} from '../../src/engine/graph/variants.ts';
import {expectLogits, expectSameLogits, feed, TOKENS, testModel, withEngine} from '../helpers/engine.ts';
import {inBrowser, withDevice} from '../helpers/gpu.ts';
import {ReferenceModel} from '../reference/forward.ts';

const SOME = TOKENS.slice(0, 34); // more than a page and two windows
const FUSED: Partial<Variants> = {
  attention: true,
  products: true,
  partLength: 32,
  outputTail: true,
  fusions: ALL_FUSIONS,
};

/** A term for every matrix that has one place in the forward pass, ranks that differ, strong enough to be seen. */
async function termsFor(spec: ModelSpec, seed: number, wanted = /./): Promise<LowRankFactors[]> {
  const {file} = await testModel(spec);
  const matrices = [...file.tensors.values()].filter(
    ({name, shape}) => shape.length === 2 && !/per_layer_token_embd|rope/.test(name) && wanted.test(name),
  );
  return matrices.map(({name, shape: [nIn, nOut]}, i) => {
    const rank = 1 + ((i + seed) % 3);
    const embedding = name === 'token_embd.weight';
    const a = noise(rank * (embedding ? nOut : nIn), seed + 2 * i);
    const b = noise(rank * (embedding ? nIn : nOut), seed + 2 * i + 1);
    return {tensor: name, rank, a, b, scale: (embedding ? 0.02 : 0.3) / nIn ** 0.5};
  });
}

async function judged(spec: ModelSpec, terms: readonly LowRankFactors[]): Promise<Float64Array[]> {
  const {source, file} = await testModel(spec);
  const model = await ReferenceModel.load(source, file, terms);
  return model.logits(SOME);
}

async function answer(engine: GpuEngine, adapters: readonly SequenceAdapter[], sizes = [64]): Promise<Float32Array[]> {
  const sequence = engine.createSequence([], adapters);
  const logits = await feed(engine, sequence, SOME, sizes);
  sequence.free();
  return logits;
}

describe('an engine with adapters', function () {
  this.timeout(120_000);

  const shapes = inBrowser
    ? (['gemma3'] as const)
    : (['gemma', 'gemma2', 'gemma3', 'gemma3n', 'moe', 'keys-as-values'] as const);
  const specs: [string, ModelSpec][] = [
    ...(inBrowser ? [] : [['gemma4', {}] as [string, ModelSpec]]),
    ...shapes.map((shape): [string, ModelSpec] => [shape, {shape}]),
  ];
  for (const [name, spec] of specs) {
    // Plain kernels know no architecture: one is enough for them.
    const plain = name === 'gemma4';
    it(
      `agrees with float64 for ${name}, ${plain ? 'plain and fused' : 'fused'}`,
      withDevice(async (device) => {
        const terms = await termsFor(spec, 1);
        const expected = await judged(spec, terms);
        for (const variants of plain ? [{}, FUSED] : [FUSED]) {
          await withEngine(
            device,
            spec,
            async (engine) => {
              const base = await answer(engine, []);
              const adapter = await engine.loadAdapter(terms);
              const changed = await answer(engine, [{adapter, scale: 1}]);
              expectLogits(changed, expected);
              expect(relative(changed, base), 'the adapter has an effect').to.be.greaterThan(0.05);
              // Token by token it is another kernel's work, and the same bits where those are the same.
              expectLogits(await answer(engine, [{adapter, scale: 1}], [7, 1]), expected);
            },
            {variants},
          );
        }
      }),
    );
  }

  it(
    'gives rows of different adapters in one step the bits of each alone',
    withDevice((device) =>
      withEngine(
        device,
        {},
        async (engine) => {
          const first = await engine.loadAdapter(await termsFor({}, 1));
          const second = await engine.loadAdapter(await termsFor({}, 9, /attn|token_embd/));
          const third = await engine.loadAdapter(await termsFor({}, 5, /blk\.1\.ffn/));
          const uses = [
            [],
            [{adapter: first, scale: 1}],
            [
              {adapter: second, scale: 0.5},
              {adapter: third, scale: -1},
            ],
            [{adapter: second, scale: 2, from: 20}],
          ];
          const alone: Float32Array[][] = [];
          for (const use of uses) alone.push(await answer(engine, use, [20, 1]));
          const sequences = uses.map((use) => engine.createSequence([], use));
          const together: Float32Array[][] = uses.map(() => []);
          // The second comes two steps later: its prompt is beside rows that continue answers.
          for (let turn = 0; together[1].length < SOME.length; turn++) {
            const wanted = sequences.flatMap((sequence, i) => {
              const at = together[i].length;
              const tokens = SOME.slice(at, at < 20 ? at + 10 : at + 1);
              return (i === 1 && turn < 2) || tokens.length === 0 ? [] : [{i, sequence, tokens}];
            });
            const results = await engine.step(wanted.map(({sequence, tokens}) => ({sequence, tokens, logits: 'all'})));
            for (const [n, rows] of results.entries()) together[wanted[n].i].push(...rows);
          }
          for (const [i, rows] of together.entries()) expectSameLogits(rows, alone[i]);
          for (const [i, rows] of alone.entries()) {
            for (const other of alone.slice(0, i)) expect(relative(rows, other)).to.be.greaterThan(1e-3);
          }
          // An adapter that is activated at position 20 has changed nothing before.
          expectSameLogits(alone[3].slice(0, 20), alone[0].slice(0, 20));
        },
        {variants: FUSED, maxSequences: 8},
      ),
    ),
  );

  // The rest is bookkeeping: the same in a browser, and slow there.
  if (inBrowser) return;

  it(
    'comes and goes while sequences go on, and leaves nothing behind',
    withDevice((device) =>
      withEngine(
        device,
        {},
        async (engine) => {
          const before = engine.stats();
          const base = await answer(engine, []);
          const terms = await termsFor({}, 1);
          const adapter = await engine.loadAdapter(terms);
          expect(adapter.dropped, 'keys and values that other layers lend').to.deep.equal(
            terms.map(({tensor}) => tensor).filter((tensor) => /blk\.[34]\.attn_[kv]\.weight/.test(tensor)),
          );
          const sequence = engine.createSequence([], [{adapter, scale: 1}]);
          const found = await feed(engine, sequence, SOME.slice(0, 12), [5, 1]);
          const other = await engine.loadAdapter(await termsFor({}, 7));
          found.push(...(await feed(engine, sequence, SOME.slice(12, 24), [1])));
          await engine.unloadAdapter(other);
          found.push(...(await feed(engine, sequence, SOME.slice(24), [1])));
          expectSameLogits(found, await answer(engine, [{adapter, scale: 1}], [5, 1]));
          const whole = engine.createSequence([], [{adapter, scale: 1}]);
          await engine.unloadAdapter(adapter);
          const step = engine.step([{sequence: whole, tokens: [1], logits: 'last'}]);
          expect(await step.catch(({code}) => code)).to.equal('closed');
          expectSameLogits(await answer(engine, []), base);
          const {adapterBytes, scratchBytes} = engine.stats();
          expect(scratchBytes).to.equal(before.scratchBytes);
          expect(adapterBytes, 'the mixes of a step alone').to.be.lessThan(4096);
        },
        {variants: FUSED, maxSequences: 8},
      ),
    ),
  );

  it(
    'shares pages of equal tokens with equal adapters only, and those before an activation with everyone',
    withDevice((device) =>
      withEngine(
        device,
        {},
        async (engine) => {
          const adapter = await engine.loadAdapter(await termsFor({}, 1));
          const prompt = TOKENS.slice(0, 68);
          const held = async (uses: readonly SequenceAdapter[]) => {
            const sequence = engine.createSequence(prompt, uses);
            const known = sequence.tokens.length;
            if (known < 68) await engine.step([{sequence, tokens: prompt.slice(known), logits: 'none'}]);
            sequence.free();
            return known;
          };
          await held([]);
          expect(await held([{adapter, scale: 1}]), 'other keys and values').to.equal(0);
          expect(await held([{adapter, scale: 0.5}]), 'another scale').to.equal(0);
          expect(await held([{adapter, scale: 1}]), 'its own').to.equal(68);
          expect(await held([{adapter, scale: 0}]), 'as good as none').to.equal(68);
          expect(await held([{adapter, scale: 1, from: 66}]), 'pages before it is activated').to.equal(64);
          engine.adapters.pool.changed(engine.adapters.pool.adapters[0]);
          expect(await held([{adapter, scale: 1}]), 'it was trained since').to.equal(0);
          expect(await held([])).to.equal(68);
        },
        {sharePrefixes: true, chunkSize: 80},
      ),
    ),
  );

  it(
    'refuses what does not fit by name',
    withDevice((device) =>
      withEngine(
        device,
        {},
        async (engine) => {
          const terms = await termsFor({}, 1);
          const adapters = [];
          for (let i = 0; i < 5; i++) adapters.push(await engine.loadAdapter(terms.slice(i, i + 1)));
          const uses = adapters.map((adapter) => ({adapter, scale: 1}));
          expect(() => engine.createSequence([], uses)).to.throw('expected at most 4');
        },
        {},
      ),
    ),
  );
});

function relative(found: readonly Float32Array[], base: readonly Float32Array[]): number {
  let [error, total] = [0, 0];
  base.forEach((row, p) => {
    row.forEach((value, id) => {
      if (value === Number.NEGATIVE_INFINITY) return;
      error += (found[p][id] - value) ** 2;
      total += value ** 2;
    });
  });
  return Math.sqrt(error / total);
}

// The whole engine against the float64 judge, and against itself: a row's logits depend on nothing but its own past.
import {expect} from 'chai';
import {SHAPES, type ShapeName} from '../../scripts/model-files/model.ts';
import {expectLogits, expectSameLogits, feed, judge, TOKENS, testModel, withEngine} from '../helpers/engine.ts';
import {withDevice} from '../helpers/gpu.ts';

describe('engine', function () {
  this.timeout(120_000); // software adapters

  // The types of the commonest files alone, and every one beside others.
  const types = ['F32', 'BF16', 'Q8_0', 'Q4_0', 'mixed', 'assorted'] as const;
  for (const type of types) {
    it(
      `agrees with float64 for ${type} weights, whatever the chunks`,
      withDevice((device) =>
        withEngine(device, {type}, async (engine) => {
          const prefill = await feed(engine, engine.createSequence(), TOKENS, [64]);
          expectLogits(prefill, await judge({type}));
          // 4 rows share a tile of mul_mat: 7, 1, 13 and 24 leave it part full, full and more.
          expectSameLogits(await feed(engine, engine.createSequence(), TOKENS, [7, 1, 13, 24]), prefill);
        }),
      ),
    );
  }

  it(
    'agrees with float64 where rows fit no K-quant: Q5_0 and Q8_0 inside "Q4_K_M"',
    withDevice(async (device) => {
      const spec = {shape: 'odd-sizes', type: 'mixed'} as const;
      const {file} = await testModel(spec);
      const types = new Set([...file.tensors.values()].map((tensor) => tensor.type));
      expect([...types])
        .to.include.members(['Q5_0', 'Q8_0', 'F16'])
        .and.not.include.members(['Q4_K', 'Q6_K']);
      await withEngine(device, spec, async (engine) => {
        expectLogits(await feed(engine, engine.createSequence(), TOKENS, [50]), await judge(spec));
      });
    }),
  );

  it(
    'gives the same bits token by token',
    withDevice((device) =>
      withEngine(device, {type: 'mixed'}, async (engine) => {
        const prefill = await feed(engine, engine.createSequence(), TOKENS, [64]);
        expectSameLogits(await feed(engine, engine.createSequence(), TOKENS, [1]), prefill);
      }),
    ),
  );

  // The shapes of many layers take seconds: conformance runs them, and what they are for is in their config.
  const shapes = (Object.keys(SHAPES) as ShapeName[]).filter((name) => !name.endsWith('-27b'));
  for (const shape of shapes) {
    it(
      `agrees with float64 for the shape ${shape}`,
      withDevice((device) =>
        withEngine(device, {shape, type: 'Q8_0'}, async (engine) => {
          const logits = await feed(engine, engine.createSequence(), TOKENS, [25]);
          expectLogits(logits, await judge({shape, type: 'Q8_0'}));
        }),
      ),
    );
  }

  it(
    'gives the same bits token by token where streams are changed in place',
    withDevice((device) =>
      withEngine(device, {shape: 'gemma3n', type: 'Q8_0'}, async (engine) => {
        const tokens = TOKENS.slice(0, 20);
        const prefill = await feed(engine, engine.createSequence(), tokens, [20]);
        expectSameLogits(await feed(engine, engine.createSequence(), tokens, [1]), prefill);
      }),
    ),
  );

  it(
    'gives the same bits with tensors cut into slices',
    withDevice(async (device) => {
      const run = (maxSliceBytes?: number) =>
        withEngine(
          device,
          {type: 'mixed'},
          async (engine) => {
            const logits = await feed(engine, engine.createSequence(), TOKENS.slice(0, 20), [20]);
            await engine.step([{sequence: engine.createSequence(), tokens: [5], logits: 'last'}]);
            return {logits, dispatches: engine.stats().perToken.dispatches};
          },
          {maxSliceBytes},
        );
      const whole = await run();
      // Cuts both embedding tables, the head and two attn_output in two. Not smaller: each slice compiles on its own.
      const cut = await run(130_000);
      expectSameLogits(cut.logits, whole.logits);
      expect(cut.dispatches).to.equal(whole.dispatches + 5);
    }),
  );

  it(
    'gives the same bits with experts, whatever the chunks and wherever their tensors are cut',
    withDevice(async (device) => {
      const spec = {shape: {...SHAPES.moe, layers: 'SF'}, type: 'mixed' as const};
      const run = (sizes: number[], maxSliceBytes?: number) =>
        withEngine(device, spec, (engine) => feed(engine, engine.createSequence(), TOKENS.slice(0, 30), sizes), {
          maxSliceBytes,
        });
      const whole = await run([30]);
      // Routers part by 5e-4 and more here, hundreds of f32 roundings: the experts are those of float64.
      expectLogits(whole, (await judge(spec)).slice(0, 30));
      expectSameLogits(await run([7, 1, 13, 1]), whole);
      // Cuts gate and up, and down where it is Q6_K, within an expert.
      expectSameLogits(await run([30], 300_000), whole);
    }),
  );

  it(
    'keeps two sequences in one step apart',
    withDevice((device) =>
      withEngine(
        device,
        {type: 'Q4_K'},
        async (engine) => {
          const [first, second] = [TOKENS.slice(0, 40), TOKENS.slice(30, 55)];
          const alone = [
            await feed(engine, engine.createSequence(), first, [64]),
            await feed(engine, engine.createSequence(), second, [64]),
          ];
          const [a, b] = [engine.createSequence(), engine.createSequence()];
          const together: Float32Array[][] = [[], []];
          // A prefill chunk of one beside a few tokens of the other, then token beside token, order swapped.
          for (const [from, to, other, otherTo] of [
            [0, 30, 0, 5],
            [30, 39, 5, 24],
            [39, 40, 24, 25],
          ]) {
            const inputs = [
              {sequence: a, tokens: first.slice(from, to), logits: 'all' as const},
              {sequence: b, tokens: second.slice(other, otherTo), logits: 'all' as const},
            ];
            const swap = from > 0;
            const found = await engine.step(swap ? inputs.reverse() : inputs);
            if (swap) found.reverse();
            together[0].push(...found[0]);
            together[1].push(...found[1]);
          }
          expectSameLogits(together[0], alone[0]);
          expectSameLogits(together[1], alone[1]);
        },
        {maxSequences: 4},
      ),
    ),
  );

  it(
    'leaves keys and values complete when a step asks for no logits',
    withDevice((device) =>
      withEngine(device, {type: 'Q8_0'}, async (engine) => {
        const sequence = engine.createSequence();
        expect(await engine.step([{sequence, tokens: TOKENS.slice(0, 60), logits: 'none'}])).to.deep.equal([[]]);
        const [[last]] = await engine.step([{sequence, tokens: TOKENS.slice(60, 70), logits: 'last'}]);
        const all = await feed(engine, engine.createSequence(), TOKENS, [64]);
        expectSameLogits([last], all.slice(-1));
      }),
    ),
  );

  it(
    'returns more rows of logits than one readback holds',
    withDevice((device) => {
      // 160,000 bytes a row: 52 rows a batch. The rest of the model as small as it goes.
      const shape = {
        ...SHAPES.tiny,
        vocabSize: 40_000,
        nEmbd: 64,
        layers: 'SF',
        sharedKvLayers: 0,
        nFf: 64,
        nEmbdPerLayer: 0,
      };
      const spec = {shape, type: 'Q4_0' as const};
      return withEngine(device, spec, async (engine) => {
        const tokens = TOKENS.slice(0, 60);
        const all = await feed(engine, engine.createSequence(), tokens, [60]);
        expectSameLogits(all, await feed(engine, engine.createSequence(), tokens, [20]));
      });
    }),
  );

  it(
    'puts suppressed tokens at -Infinity, from the file or from the caller',
    withDevice(async (device) => {
      const suppressed = async (suppressedTokens?: number[]) =>
        withEngine(
          device,
          {type: 'Q4_0'},
          async (engine) => {
            const [[row]] = await engine.step([{sequence: engine.createSequence(), tokens: [2], logits: 'last'}]);
            return Array.from(row.keys()).filter((id) => row[id] === Number.NEGATIVE_INFINITY);
          },
          {suppressedTokens},
        );
      expect(await suppressed()).to.deep.equal([7, 700]);
      expect(await suppressed([1, 5_000_000])).to.deep.equal([1]);
    }),
  );
});

// What a step costs, what it refuses, and how an engine ends.
import {expect} from 'chai';
import {countObjects} from '../../scripts/lib/count-objects.ts';
import {type ErrorCode, GemmaError} from '../../src/errors.ts';
import {expectSameLogits, TOKENS, withEngine} from '../helpers/engine.ts';
import {withDevice} from '../helpers/gpu.ts';

const spec = {type: 'Q4_K'} as const;

async function expectError(act: Promise<unknown>, code: ErrorCode, message?: RegExp): Promise<void> {
  const error = await act.then(
    () => expect.fail(`expected ${code}`),
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(GemmaError).with.property('code', code);
  if (message) expect((error as Error).message).to.match(message);
}

describe('engine step', function () {
  this.timeout(120_000); // software adapters

  it(
    'makes nothing but an encoder after warm-up, and submits once',
    withDevice((device) =>
      withEngine(device, spec, async (engine) => {
        const sequence = engine.createSequence();
        await engine.step([{sequence, tokens: TOKENS.slice(0, 30), logits: 'last'}]);
        const counting = countObjects(device);
        try {
          // Position 32 begins a page: the table changes too.
          for (const token of [1, 2, 3, 4]) await engine.step([{sequence, tokens: [token], logits: 'last'}]);
        } finally {
          counting.stop();
        }
        expect(counting.counts).to.deep.equal({createCommandEncoder: 4});
        const {perToken} = engine.stats();
        expect(perToken).to.deep.include({submits: 1, objectsCreated: 0, bytesRead: 4 * 768});
        // The step, and the step as the head sees it: 16 bytes each; one row: 20; and the number of the output row.
        expect(perToken.bytesWritten).to.equal(2 * 16 + 20 + 4);
        // One operation a dispatch: 27 a layer that owns K/V, 20 one that shares, 5 for the embeddings, 4 for the head.
        expect(perToken.dispatches).to.equal(3 * 27 + 2 * 20 + 9);
      }),
    ),
  );

  it(
    'skips layers that leave nothing behind when no logits are asked for',
    withDevice((device) =>
      withEngine(device, spec, async (engine) => {
        const sequence = engine.createSequence();
        await engine.step([{sequence, tokens: [1], logits: 'last'}]);
        const full = engine.stats().perToken;
        await engine.step([{sequence, tokens: [1], logits: 'none'}]);
        const bare = engine.stats().perToken;
        expect(bare.bytesRead).to.equal(0);
        // Two sharing layers, the head, and of the last layer with keys and values what follows the queries' inputs.
        expect(full.dispatches - bare.dispatches).to.equal(2 * 20 + 4 + 19);
      }),
    ),
  );

  it(
    'goes on after a sequence was cut back as if it had never held more, bit for bit',
    withDevice((device) =>
      withEngine(
        device,
        spec,
        async (engine) => {
          const [cut, fresh] = [engine.createSequence(), engine.createSequence()];
          // A window of 16: what position 36 sees is still there after 40, after 70 only in the index of kept pages.
          const text = [...TOKENS.slice(0, 36), 5, 6, 7];
          const [[expected]] = await engine.step([{sequence: fresh, tokens: text, logits: 'last'}]);
          for (const end of [40, 64]) {
            await engine.step([{sequence: cut, tokens: TOKENS.slice(cut.tokens.length, end), logits: 'none'}]);
            const held = cut.truncate(36);
            const [[found]] = await engine.step([{sequence: cut, tokens: text.slice(held), logits: 'last'}]);
            expectSameLogits([found], [expected]);
            cut.truncate(0);
          }
        },
        {sharePrefixes: true},
      ),
    ),
  );

  it(
    'counts pages, sequences and bytes, and gives all back',
    withDevice((device) =>
      withEngine(device, spec, async (engine) => {
        const [a, b] = [engine.createSequence(), engine.createSequence()];
        await engine.step([
          {sequence: a, tokens: TOKENS.slice(0, 33), logits: 'none'},
          {sequence: b, tokens: [1], logits: 'none'},
        ]);
        const pages = {used: 3, shared: 0, cached: 0, free: 9};
        expect(engine.stats()).to.deep.include({kvPages: {full: pages, sliding: pages}, sequences: 2});
        // Three owning layers: K and V of 12 pages · 32 positions · 128 values.
        expect(engine.stats().kvBytes).to.equal(3 * 2 * 12 * 32 * 128 * 4);
        a.free();
        expect(engine.stats().kvPages.full.used).to.equal(1);
        b.free();
        expect(engine.stats()).to.include({sequences: 0});
        expect(engine.stats().kvPages.full.used).to.equal(0);
      }),
    ),
  );

  it(
    'runs steps that are asked for at once one after the other',
    withDevice((device) =>
      withEngine(device, spec, async (engine) => {
        const [a, b] = [engine.createSequence(), engine.createSequence()];
        const steps = [a, b].map((sequence) => engine.step([{sequence, tokens: [3, 4], logits: 'last'}]));
        const [[[first]], [[second]]] = await Promise.all(steps);
        expect(first).to.deep.equal(second);
        expect(first).not.to.equal(second);
      }),
    ),
  );

  it(
    'refuses bad work before anything is written',
    withDevice((device) =>
      withEngine(
        device,
        spec,
        async (engine) => {
          const [a, b, c] = [engine.createSequence(), engine.createSequence(), engine.createSequence()];
          const step = (sequence: typeof a, n: number, token = 1) =>
            engine.step([{sequence, tokens: new Array<number>(n).fill(token), logits: 'none'}]);
          await step(a, 60);
          await expectError(step(a, 41), 'context-overflow', /101 tokens; the context holds 100/);
          await step(b, 60);
          await expectError(step(c, 40), 'out-of-memory', /2 more pages .* 1 of 5 can be had/);
          await expectError(step(a, 1, 768), 'option-invalid', /token id 768/);
          await expectError(step(a, 1, -1), 'option-invalid');
          await expectError(step(a, 65), 'internal', /65 rows; expected at most 64/);
          const twice = [a, a].map((sequence) => ({sequence, tokens: [1], logits: 'none' as const}));
          await expectError(engine.step(twice), 'internal', /same sequence twice/);
          expect([a, b, c].map(({tokens}) => tokens.length)).to.deep.equal([60, 60, 0]);
          await step(a, 4); // still in order
          expect(engine.stats().kvPages.full.used).to.equal(4);
        },
        {contextLength: 100, kvPages: 5},
      ),
    ),
  );

  it(
    'writes the last row of an input where it is told to, and others into new arrays',
    withDevice((device) =>
      withEngine(device, spec, async (engine) => {
        const step = async (into?: Float32Array) => {
          const [told, other] = [engine.createSequence(), engine.createSequence()];
          const logits = await engine.step([
            {sequence: told, tokens: TOKENS.slice(0, 3), logits: 'all', into},
            {sequence: other, tokens: TOKENS.slice(0, 2), logits: 'last'},
          ]);
          for (const sequence of [told, other]) sequence.free();
          return logits;
        };
        const into = new Float32Array(engine.vocabSize);
        const [expected, found] = [await step(), await step(into)];
        expect(found).to.deep.equal(expected);
        expect(found.flat().map((row) => row === into)).to.deep.equal([false, false, true, false]);
      }),
    ),
  );

  it(
    'has nothing to do for no tokens',
    withDevice((device) =>
      withEngine(device, spec, async (engine) => {
        const sequence = engine.createSequence();
        expect(await engine.step([{sequence, tokens: [], logits: 'last'}])).to.deep.equal([[]]);
      }),
    ),
  );

  it(
    'is closed once destroyed',
    withDevice((device) =>
      withEngine(device, spec, async (engine) => {
        const sequence = engine.createSequence();
        engine.destroy();
        engine.destroy();
        await expectError(engine.step([{sequence, tokens: [1], logits: 'last'}]), 'closed');
        expect(() => engine.createSequence())
          .to.throw(GemmaError)
          .with.property('code', 'closed');
        expect(engine.stats()).to.include({weightBytes: 0, kvBytes: 0, scratchBytes: 0});
      }),
    ),
  );

  // Limits that no other test asks for: a device of its own, to be lost.
  it(
    'reports a lost device, now and ever after',
    withDevice(
      (device) =>
        withEngine(device, spec, async (engine) => {
          const sequence = engine.createSequence();
          const running = engine.step([{sequence, tokens: [1], logits: 'last'}]);
          device.destroy();
          await expectError(running, 'device-lost', /load the model again/);
          await expectError(engine.step([{sequence, tokens: [1], logits: 'last'}]), 'device-lost');
          expect(() => engine.createSequence())
            .to.throw(GemmaError)
            .with.property('code', 'device-lost');
        }),
      {limits: {maxStorageBufferBindingSize: 2 ** 26}},
    ),
  );
});

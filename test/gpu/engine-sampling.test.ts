// Tokens that the engine chooses on the GPU: those that the CPU's sampler takes from the same logits.
import {expect} from 'chai';
import type {Sequence, StepInput} from '../../src/engine/engine.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import type {Choice} from '../../src/engine/sampling/choice.ts';
import {createSampler} from '../../src/engine/sampling/sampler.ts';
import {completeSettings, type SamplerOptions} from '../../src/engine/sampling/settings.ts';
import {samplesRight} from '../../src/engine/self-test.ts';
import {expectSameLogits, TOKENS, withEngine} from '../helpers/engine.ts';
import {withDevice} from '../helpers/gpu.ts';

const options = {variants: {sampling: true}};
const ahead = {variants: {sampling: true, ahead: true}};
const PROMPT = TOKENS.slice(0, 10);

async function start(engine: GpuEngine): Promise<Sequence> {
  const sequence = engine.createSequence();
  await engine.step([{sequence, tokens: PROMPT, logits: 'none'}]);
  return sequence;
}

/** Tokens that follow PROMPT, each from the logits of the CPU's sampler's own step. */
async function byCpu(engine: GpuEngine, sampling: SamplerOptions, count: number): Promise<number[]> {
  const sampler = createSampler(sampling);
  const sequence = await start(engine);
  const tokens = [...PROMPT, 3];
  for (let i = 0; i < count; i++) {
    const [[logits]] = await engine.step([{sequence, tokens: tokens.slice(-1), logits: 'last'}]);
    tokens.push(sampler.sample(logits, tokens).id);
  }
  sequence.free();
  return tokens.slice(PROMPT.length + 1);
}

const REQUESTS: SamplerOptions[] = [
  {seed: 5},
  {seed: 6, temperature: 0, logprobs: true, topLogprobs: 3},
  {seed: 7, repetitionPenalty: 1.4, repetitionWindow: 6, topP: 1, topK: 20},
];

describe('an engine that samples', () => {
  it(
    'chooses as the CPU does, several at once, and reads a few bytes',
    withDevice((device) =>
      withEngine(
        device,
        {},
        async (engine) => {
          const expected: number[][] = [];
          for (const request of REQUESTS) expected.push(await byCpu(engine, request, 8));
          const sequences = await Promise.all(REQUESTS.map(() => start(engine)));
          const samplers = REQUESTS.map((request) => createSampler(request));
          const tokens = REQUESTS.map(() => [3]);
          for (let i = 0; i < 8; i++) {
            const choices = samplers.map(({settings}): Choice => ({settings}));
            const results = await engine.step(
              sequences.map((sequence, r) => ({
                sequence,
                tokens: tokens[r].slice(-1),
                logits: 'last',
                choice: choices[r],
              })),
            );
            expect(results).to.deep.equal([[], [], []]);
            choices.forEach(({sample}, r) => {
              samplers[r].skip();
              tokens[r].push(sample!.id);
              expect(sample!.top?.length).to.equal(r === 1 ? 3 : undefined);
              if (r === 1) expect(sample!.logprob).to.equal(sample!.top![0].logprob);
            });
          }
          expect(tokens.map((list) => list.slice(1))).to.deep.equal(expected);
          await engine.step([
            {sequence: sequences[0], tokens: [5], logits: 'last', choice: {settings: samplers[0].settings}},
          ]);
          expect(engine.stats().perToken.bytesRead).to.equal(16);
          for (const sequence of sequences) sequence.free();
        },
        options,
      ),
    ),
  );

  it(
    'gives logits beside tokens, and where it cannot choose',
    withDevice((device) =>
      withEngine(
        device,
        {},
        async (engine) => {
          const [a, b, c] = [await start(engine), await start(engine), await start(engine)];
          const chosen: Choice = {settings: completeSettings({temperature: 0})};
          const none: Choice = {settings: completeSettings({topK: 0, seed: 1})};
          const tokens = [3];
          const results = await engine.step([
            {sequence: a, tokens, logits: 'last'},
            {sequence: b, tokens, logits: 'last', choice: chosen},
            {sequence: c, tokens, logits: 'last', choice: none},
          ]);
          expect(results.map((rows) => rows.length)).to.deep.equal([1, 0, 1]);
          expect(results[0][0]).to.deep.equal(results[2][0]);
          expect(none.sample).to.equal(undefined);
          expect(results[0][0].indexOf(Math.max(...results[0][0]))).to.equal(chosen.sample?.id);
          // Suppressed ones are left out of both.
          expect(results[0][0][7]).to.equal(Number.NEGATIVE_INFINITY);
          for (const sequence of [a, b, c]) sequence.free();
        },
        options,
      ),
    ),
  );

  it(
    'chooses the same with the next step under way, whatever becomes of it',
    withDevice((device) =>
      withEngine(
        device,
        {},
        async (engine) => {
          const expected = [await byCpu(engine, REQUESTS[0], 40), await byCpu(engine, REQUESTS[2], 40)];
          const samplers = [createSampler(REQUESTS[0]), createSampler(REQUESTS[2])];
          const sequences = [await start(engine), await start(engine)];
          const tokens = [[3], [3]];
          const step = async (...which: number[]) => {
            const choices = which.map((r): Choice => ({settings: samplers[r].settings}));
            const inputs = which.map((r, i) => ({
              sequence: sequences[r],
              tokens: tokens[r].slice(-1),
              logits: 'last' as const,
              choice: choices[i],
            }));
            expect((await engine.step(inputs)).flat()).to.deep.equal([]);
            choices.forEach(({sample}, i) => {
              samplers[which[i]].skip();
              tokens[which[i]].push(sample!.id);
            });
          };
          // Together across the end of a page (position 32), in either order of inputs.
          for (let i = 0; i < 24; i++) await (i % 5 === 0 ? step(1, 0) : step(0, 1));
          // One alone: what was submitted for both was for nothing. Then a prompt of another between two steps.
          for (let i = 0; i < 4; i++) await step(0);
          const other = engine.createSequence();
          await engine.step([{sequence: other, tokens: PROMPT, logits: 'none'}]);
          for (let i = 0; i < 4; i++) await step(0);
          other.free();
          for (let i = 0; i < 8; i++) await step(1);
          // Cut back, and on again with other tokens in between: it was the second time that counts.
          const held = sequences[0].tokens.length;
          await engine.step([
            {sequence: sequences[0], tokens: [9], logits: 'last', choice: {settings: samplers[0].settings}},
          ]);
          sequences[0].truncate(held);
          await step(0);
          // A copy that begins where a page does not: both go on by themselves.
          const copy = sequences[1].clone();
          for (let i = 0; i < 3; i++) {
            await step(1);
            await engine.step([{sequence: copy, tokens: [11 + i], logits: 'none'}]);
          }
          copy.free();
          for (const r of [0, 1]) expect(tokens[r].slice(1)).to.deep.equal(expected[r].slice(0, tokens[r].length - 1));
          expect(tokens.map(({length}) => length)).to.deep.equal([1 + 33, 1 + 35]);
          for (const sequence of sequences) sequence.free();
        },
        ahead,
      ),
    ),
  );

  it(
    'goes on to the end of the context, and copies at the start of a page, with the next step under way',
    withDevice((device) =>
      withEngine(
        device,
        {},
        async (engine) => {
          /** Tokens from `token` on, and how likely each was: that also shows what changes no token. */
          const follow = async (sequence: Sequence, token: number, count: number) => {
            const found = [{id: token, logprob: 0}];
            for (let i = 0; i < count; i++) {
              const choice: Choice = {settings: completeSettings({temperature: 0, seed: 1, logprobs: true})};
              const tokens = [found.at(-1)!.id];
              await engine.step([{sequence, tokens, logits: 'last', choice}]);
              found.push({id: choice.sample!.id, logprob: choice.sample!.logprob!});
            }
            return found;
          };
          const whole = await start(engine);
          const all = await follow(whole, 3, 54); // positions 10 … 63
          // The step was under way already: of its own it submits the one after it.
          const short = await start(engine);
          await follow(short, 3, 3);
          short.free();
          expect(engine.stats().perToken.submits).to.equal(1);
          const again = await start(engine);
          await follow(again, 3, 22);
          const second = again.clone();
          again.free();
          /** Without a choice nothing is under way afterwards. */
          const logitsOf = async (sequence: Sequence, token: number) =>
            (await engine.step([{sequence, tokens: [token], logits: 'last'}]))[0][0];
          const expected: Float32Array[] = [];
          for (let i = 0; i < 4; i++) expected.push(await logitsOf(second, 100 + i));
          const sequence = await start(engine);
          const first = await follow(sequence, 3, 22); // 32 positions: one page, and one reserved
          const copy = sequence.clone();
          // By turns: a page that both wrote to would show.
          for (let i = 0; i < 32; i++) {
            if (i < 4) expectSameLogits([await logitsOf(copy, 100 + i)], [expected[i]]);
            first.push((await follow(sequence, first.at(-1)!.id, 1))[1]);
          }
          expect(first).to.deep.equal(all);
          for (const each of [whole, sequence, copy, second]) each.free();
        },
        {...ahead, contextLength: 64, maxSequences: 5},
      ),
    ),
  );

  it(
    'is found out by the self-test when it chooses otherwise than the CPU',
    withDevice((device) =>
      withEngine(
        device,
        {},
        async (engine) => {
          expect(await samplesRight(engine)).to.equal(true);
          const wrong = {
            contextLength: engine.contextLength,
            createSequence: () => engine.createSequence(),
            step: async (inputs: readonly StepInput[]) => {
              const results = await engine.step(inputs);
              for (const {choice} of inputs) if (choice?.sample) choice.sample.id = (choice.sample.id + 1) % 768;
              return results;
            },
          };
          expect(await samplesRight(wrong)).to.equal(false);
          engine.sampleOnCpu();
          const sequence = await start(engine);
          const choice: Choice = {settings: completeSettings({temperature: 0})};
          const results = await engine.step([{sequence, tokens: [3], logits: 'last', choice}]);
          expect(results[0].length).to.equal(1);
          expect(choice.sample).to.equal(undefined);
          sequence.free();
        },
        ahead,
      ),
    ),
  );
});

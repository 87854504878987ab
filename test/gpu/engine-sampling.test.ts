// Tokens that the engine chooses on the GPU: those that the CPU's sampler takes from the same logits.
import {expect} from 'chai';
import type {Sequence} from '../../src/engine/engine.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import type {Choice} from '../../src/engine/sampling/choice.ts';
import {createSampler} from '../../src/engine/sampling/sampler.ts';
import {completeSettings, type SamplerOptions} from '../../src/engine/sampling/settings.ts';
import {TOKENS, withEngine} from '../helpers/engine.ts';
import {withDevice} from '../helpers/gpu.ts';

const options = {variants: {sampling: true}};
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
});

import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {
  RESULT_WORDS,
  SAMPLER_STATE_WORDS,
  sample,
  sampleBlocks,
  topCandidates,
} from '../../src/engine/kernels/sample.ts';
import {logSoftmax} from '../../src/engine/sampling/log-softmax.ts';
import {createSampler} from '../../src/engine/sampling/sampler.ts';
import {canSampleOnGpu, packSamplerState} from '../../src/engine/sampling/sampler-state.ts';
import {completeSettings, type SamplerSettings} from '../../src/engine/sampling/settings.ts';
import {inBrowser, runKernelOutputs, stepData, withDevice} from '../helpers/gpu.ts';

const HISTORY = 64;
/** Of a real vocabulary; a browser without a GPU is slow, and has no other arithmetic. */
const MANY = inBrowser ? 20_000 : 262_144;
const DEFAULTS = completeSettings({seed: 7});

interface Request {
  logits: Float32Array;
  settings?: Partial<SamplerSettings>;
  tokens?: number[];
}

interface Result {
  id: number;
  bad: boolean;
  logprob: number;
  top: {id: number; logprob: number}[];
}

/** Both kernels over one row a request; each request has a slot of its own, in reverse order. */
async function run(device: GPUDevice, requests: readonly Request[], {suppressed = [] as number[], softcap = 0} = {}) {
  const m = requests.length;
  const nVocab = requests[0].logits.length;
  const blocks = sampleBlocks(nVocab);
  const samplers = new Uint32Array(m * SAMPLER_STATE_WORDS);
  const history = new Uint32Array(m * HISTORY);
  const logits = new Float32Array(m * nVocab);
  const slot = (r: number) => m - 1 - r;
  requests.forEach((request, r) => {
    const settings = {...DEFAULTS, ...request.settings};
    expect(canSampleOnGpu(settings, {nVocab, nSuppressed: suppressed.length, historySize: HISTORY})).to.equal(true);
    const from = slot(r) * SAMPLER_STATE_WORDS;
    packSamplerState(
      settings,
      request.tokens ?? [],
      samplers.subarray(from, from + SAMPLER_STATE_WORDS),
      history.subarray(slot(r) * HISTORY, (slot(r) + 1) * HISTORY),
    );
    logits.set(request.logits, r * nVocab);
  });
  const common = {step: stepData(m), outputs: Uint32Array.from(requests, (_, r) => slot(r)), logits};
  const shape = {nRows: m};
  const found = await runKernelOutputs(device, topCandidates, {
    input: {...common, samplers, history, suppressed: Uint32Array.from(suppressed)},
    output: {candidates: m * blocks * 128, sums: m * blocks * 2},
    constants: {N_VOCAB: nVocab, N_SUPPRESSED: suppressed.length, HISTORY, SOFTCAP: softcap},
    shape,
  });
  const written = await runKernelOutputs(device, sample, {
    input: {...common, candidates: found.get('candidates')!, sums: found.get('sums')!},
    // As floats: the bits are what they are.
    output: {
      samplers: new Float32Array(samplers.buffer),
      history: new Float32Array(history.buffer),
      chosen: m,
      results: m * RESULT_WORDS,
    },
    constants: {N_VOCAB: nVocab, N_BLOCKS: blocks, HISTORY, SOFTCAP: softcap},
    shape,
  });
  const words = new Uint32Array(written.get('results')!.buffer);
  const floats = written.get('results')!;
  const chosen = new Uint32Array(written.get('chosen')!.buffer);
  return requests.map((_, r): Result => {
    const at = r * RESULT_WORDS;
    expect(chosen[slot(r)]).to.equal(words[at]);
    const top = Array.from({length: words[at + 3]}, (_, i) => ({
      id: words[at + 4 + 2 * i],
      logprob: floats[at + 5 + 2 * i],
    }));
    return {id: words[at], bad: words[at + 1] !== 0, logprob: floats[at + 2], top};
  });
}

/** What the sampler on the CPU takes of the same request. */
function expected({logits, settings, tokens}: Request): number {
  return createSampler({...DEFAULTS, ...settings}).sample(logits, tokens).id;
}

/** Logits as a model gives them: most far below a few. */
const logitsOf = (n: number, seed: number, spread = 3) => noise(n, seed).map((x) => x * spread);

/** The same request with each of `count` next samples. */
const draws = (request: Request, count: number): Request[] =>
  Array.from({length: count}, (_, rngOffset) => ({...request, settings: {...request.settings, rngOffset}}));

describe('top_candidates and sample', () => {
  const large = logitsOf(9000, 1);
  const ties = Float32Array.from({length: 6000}, (_, i) => ((i * 7) % 30 === 0 ? 5 : -(i % 5)));
  const cases: Record<string, Request[]> = {
    'the likeliest of few, of one block, of a block and one': [100, 2048, 2049].map((n) => ({
      logits: logitsOf(n, n),
      settings: {temperature: 0},
    })),
    'the defaults': draws({logits: large}, 40),
    'a seed above 32 bits': draws({logits: large, settings: {seed: 2 ** 52 + 12345}}, 10),
    'top-k alone': draws({logits: large, settings: {topK: 7, topP: 1}}, 20),
    'min-p and a high temperature': draws({logits: large, settings: {minP: 0.2, temperature: 3, topP: 1}}, 20),
    'a tiny temperature': draws({logits: large, settings: {temperature: 1e-30}}, 2),
    'a small top-p': draws({logits: large, settings: {topP: 0.3}}, 10),
    // 200 equal logits of which 64 are taken: those with the lowest ids.
    'more equal logits than candidates': draws({logits: ties}, 20),
    // More than the short list holds, in each block and in all of them.
    'nothing but equal logits': draws({logits: new Float32Array(9000).fill(1.5)}, 10),
    // 200 of the largest are in one or two blocks, 40 of them equal.
    'the likeliest all beside each other': draws(
      {
        logits: logitsOf(MANY, 9).map((x, i) => (i >= 5000 && i < 5200 ? 20 + (i % 160) / 80 : x)),
        settings: {topP: 1},
      },
      4,
    ),
    'a large vocabulary': draws({logits: logitsOf(MANY, 10), settings: {temperature: 2, topP: 1}}, 4),
    'equal logits, the likeliest': [{logits: ties, settings: {temperature: 0}}],
    'zeros of either sign': [
      {logits: Float32Array.from({length: 100}, (_, i) => (i < 50 ? -0 : 0)), settings: {temperature: 0}},
    ],
    'few tokens that are not suppressed': draws(
      {logits: large.map((x, i) => (i % 1000 === 5 ? x : Number.NEGATIVE_INFINITY))},
      10,
    ),
    'a penalty, with repeated tokens and of both signs': draws(
      {
        logits: large,
        settings: {repetitionPenalty: 1.7, repetitionWindow: 40},
        tokens: Array.from({length: 60}, (_, i) => Math.floor(i / 2) * 290),
      },
      20,
    ),
    'a penalty on the likeliest': [
      {
        logits: large,
        settings: {repetitionPenalty: 2, temperature: 0},
        tokens: [large.indexOf(large.reduce((a, b) => Math.max(a, b)))],
      },
    ],
  };
  for (const [name, requests] of Object.entries(cases)) {
    it(
      `take the token that the CPU takes with ${name}`,
      withDevice(async (device) => {
        // Rows of one run have one length.
        for (const length of new Set(requests.map(({logits}) => logits.length))) {
          const same = requests.filter(({logits}) => logits.length === length);
          const results = await run(device, same);
          expect(results.map(({id}) => id)).to.deep.equal(same.map(expected));
          expect(results.some(({bad}) => bad)).to.equal(false);
        }
      }),
    );
  }

  it(
    'leave suppressed tokens out and cap logits softly',
    withDevice(async (device) => {
      const raw = logitsOf(5000, 4, 60);
      const capped = raw.map((x) => 30 * Math.tanh(x / 30));
      const order = Array.from(capped.keys()).sort((a, b) => raw[b] - raw[a]);
      const suppressed = order.slice(0, 20);
      for (const id of suppressed) capped[id] = Number.NEGATIVE_INFINITY;
      // Beyond 6 times the cap tanh is 1: equal logits are told apart by id alone on both sides.
      const settings = {temperature: 0, logprobs: true, topLogprobs: 20};
      const [result] = await run(device, [{logits: raw, settings}], {suppressed, softcap: 30});
      const top = logSoftmax(capped, result.id, 1);
      expect(result.logprob).to.be.closeTo(top.logprob, 1e-4);
      expect(result.top[0].logprob).to.be.closeTo(top.top[0].logprob, 1e-4);
      expect(suppressed).to.not.include(result.id);
      expect(result.top.map(({id}) => id).filter((id) => suppressed.includes(id))).to.deep.equal([]);
    }),
  );

  it(
    'report log-probabilities of the model, before any penalty',
    withDevice(async (device) => {
      const settings = {logprobs: true, topLogprobs: 20, topK: 5};
      const requests = [
        ...draws({logits: large, settings}, 3),
        {logits: large, settings: {logprobs: true, repetitionPenalty: 3}, tokens: [large.indexOf(Math.max(...large))]},
      ];
      const results = await run(device, requests);
      results.forEach(({id, logprob, top}, i) => {
        const exact = logSoftmax(large, id, i < 3 ? 20 : 0);
        expect(logprob).to.be.closeTo(exact.logprob, 1e-5); // f32 sums
        expect(top.map((one) => one.id)).to.deep.equal(exact.top.map((one) => one.id));
        top.forEach((one, j) => {
          expect(one.logprob).to.be.closeTo(exact.top[j].logprob, 1e-5);
        });
      });
    }),
  );

  it(
    'say that a row is bad whose logits are no numbers, infinite or all suppressed',
    withDevice(async (device) => {
      const wrong = [Number.NaN, Number.POSITIVE_INFINITY].map((value) => {
        const logits = large.slice();
        logits[8999] = value;
        return {logits};
      });
      const none = {logits: new Float32Array(9000).fill(Number.NEGATIVE_INFINITY)};
      const results = await run(device, [...wrong, none, {logits: large}]);
      expect(results.map(({bad}) => bad)).to.deep.equal([true, true, true, false]);
    }),
  );

  it(
    'keep a request’s state up from sample to sample',
    withDevice(async (device) => {
      // One row twenty times: the GPU's own state, against a sampler that is told what was taken.
      const logits = large;
      const settings = {...DEFAULTS, repetitionPenalty: 1.5, repetitionWindow: 5};
      const sampler = createSampler(settings);
      const tokens = [3, 1, 4];
      const taken: number[] = [];
      const start = [...tokens];
      for (let i = 0; i < 12; i++) {
        const {id} = sampler.sample(logits, tokens);
        tokens.push(id);
        taken.push(id);
      }
      expect(await chain(device, logits, settings, start, 12)).to.deep.equal(taken);
    }),
  );

  it(
    'draw with the probabilities of the distribution',
    withDevice(async (device) => {
      const logits = logitsOf(400, 9, 1).map((x, i) => (i < 8 ? x + 6 : x));
      const settings = {temperature: 0.8, topK: 8, topP: 1};
      const n = 2000;
      const results = await run(device, draws({logits, settings}, n));
      const counts = new Map<number, number>();
      for (const {id} of results) counts.set(id, (counts.get(id) ?? 0) + 1);
      const ids = Array.from(logits.keys())
        .sort((a, b) => logits[b] - logits[a])
        .slice(0, 8);
      const weights = ids.map((id) => Math.exp((logits[id] - logits[ids[0]]) / 0.8));
      const total = weights.reduce((a, b) => a + b);
      const chi = ids.reduce((sum, id, i) => {
        const mean = (n * weights[i]) / total;
        return sum + ((counts.get(id) ?? 0) - mean) ** 2 / mean;
      }, 0);
      // 7 degrees of freedom: 24.3 is passed once in a thousand seeds, and the seed is fixed.
      expect(chi).to.be.below(24.3);
      expect([...counts.keys()].every((id) => ids.includes(id))).to.equal(true);
    }),
  );
});

/** Samples one after the other, each from the state that the one before left. */
async function chain(
  device: GPUDevice,
  logits: Float32Array,
  settings: SamplerSettings,
  tokens: readonly number[],
  count: number,
): Promise<number[]> {
  const samplers = new Uint32Array(SAMPLER_STATE_WORDS);
  const history = new Uint32Array(HISTORY);
  packSamplerState(settings, tokens, samplers, history);
  const blocks = sampleBlocks(logits.length);
  const common = {step: stepData(1), outputs: new Uint32Array(1), logits};
  const shape = {nRows: 1};
  let state = {samplers: new Float32Array(samplers.buffer), history: new Float32Array(history.buffer)};
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const found = await runKernelOutputs(device, topCandidates, {
      input: {...common, ...state, suppressed: new Uint32Array(1)},
      output: {candidates: blocks * 128, sums: blocks * 2},
      constants: {N_VOCAB: logits.length, HISTORY},
      shape,
    });
    const written = await runKernelOutputs(device, sample, {
      input: {...common, candidates: found.get('candidates')!, sums: found.get('sums')!},
      output: {...state, chosen: 1, results: RESULT_WORDS},
      constants: {N_VOCAB: logits.length, N_BLOCKS: blocks, HISTORY},
      shape,
    });
    state = {samplers: written.get('samplers')!, history: written.get('history')!};
    taken.push(new Uint32Array(written.get('chosen')!.buffer)[0]);
  }
  return taken;
}

describe('canSampleOnGpu', () => {
  it('leaves to the CPU what the kernels cannot do', () => {
    const model = {nVocab: 1000, nSuppressed: 10, historySize: HISTORY};
    const can = (settings: Partial<SamplerSettings>, of = model) => canSampleOnGpu({...DEFAULTS, ...settings}, of);
    expect(can({})).to.equal(true);
    expect(can({topK: 0})).to.equal(false);
    expect(can({topK: 65})).to.equal(false);
    expect(can({topK: 65, temperature: 0})).to.equal(true);
    expect(can({}, {...model, nVocab: 64})).to.equal(false); // the CPU draws in the order of ids there
    expect(can({repetitionPenalty: 1.1, repetitionWindow: 65})).to.equal(false);
    expect(can({repetitionPenalty: 1.1, logprobs: true, topLogprobs: 1})).to.equal(false);
    expect(can({}, {...model, nSuppressed: 1000})).to.equal(false);
  });
});

// Training whole models: gradients of every factor against differences of the float64 forward pass, and what a page sees of it.
import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {DENSE_SHAPES} from '../../scripts/model-files/dense-shapes.ts';
import {GEMMA4_SHAPES} from '../../scripts/model-files/gemma4-shapes.ts';
import type {ModelSpec} from '../../scripts/model-files/model.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import type {GpuTraining} from '../../src/engine/training/gpu-training.ts';
import {createTraining, planTraining} from '../../src/engine/training/index.ts';
import type {BatchLoss, Training, TrainingBatch, TrainingOptions} from '../../src/engine/training/training.ts';
import {GemmaError} from '../../src/errors.ts';
import {trainingBatch, trainingFactors, trainingOptions} from '../fixtures/training.ts';
import {expectSameLogits, feed, TOKENS, testModel, withEngine} from '../helpers/engine.ts';
import {withDevice} from '../helpers/gpu.ts';
import {ReferenceModel} from '../reference/forward.ts';

const VOCABULARY = 691;
/** The first of these sequences is longer than the window. */
const SIZES = {nEmbd: 64, layers: 'SF', headDim: 16, nFf: 96, slidingWindow: 8, vocabSize: VOCABULARY};
const LENGTHS = [14, 9];
const GEMMA3: ModelSpec = {shape: {...DENSE_SHAPES.gemma3, ...SIZES}};
/** Of each architecture, and of different weight types. */
const MODELS: Record<string, ModelSpec> = {
  gemma3: GEMMA3,
  gemma2: {shape: {...DENSE_SHAPES.gemma2, ...SIZES, layers: 2}, type: 'Q8_0'},
  gemma: {shape: {...DENSE_SHAPES.gemma, ...SIZES, slidingWindow: 0, layers: 2}, type: 'assorted'},
};
const GEMMA4 = {
  ...GEMMA4_SHAPES.tiny,
  ...SIZES,
  nHeadKv: {sliding: 2, full: 1},
  headDim: {sliding: 16, full: 16},
  nEmbdPerLayer: 16,
  nFf: [96, 96, 128, 128],
};
Object.assign(MODELS, {
  gemma4: {shape: {...GEMMA4, layers: 'SFSF', sharedKvLayers: 2}},
  'gemma4 whose keys are values': {
    shape: {...GEMMA4, sharedKvLayers: 0, nEmbdPerLayer: 0, valuesFromKeys: true, nFf: 96},
    type: 'Q8_0',
  },
});
const OPTIONS = trainingOptions({});
const ASKED = TOKENS.slice(0, 40).map((token) => token % VOCABULARY);

/** Beginning and answer, of which each token after the third is to be predicted. */
const EXAMPLE: TrainingBatch = trainingBatch(VOCABULARY, 1, [12]);

async function finish(run: AsyncGenerator<void, BatchLoss>): Promise<BatchLoss> {
  for (;;) {
    const {done, value} = await run.next();
    if (done) return value;
  }
}

async function withTraining<T>(
  engine: GpuEngine,
  options: TrainingOptions,
  body: (training: GpuTraining) => Promise<T>,
): Promise<T> {
  const training = (await createTraining(engine, options)) as GpuTraining;
  try {
    return await body(training);
  } finally {
    training.destroy();
  }
}

/** The loss of a batch in float64; sequences one by one. */
function lossOf(model: ReferenceModel, {tokens, starts, labels, weights}: TrainingBatch): number {
  let loss = 0;
  starts.forEach((start, i) => {
    const end = starts[i + 1] ?? tokens.length;
    model.logits([...tokens.subarray(start, end)]).forEach((logits, position) => {
      const row = start + position;
      if (weights[row] === 0) return;
      const largest = logits.reduce((a, b) => Math.max(a, b));
      const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
      loss += weights[row] * (largest + Math.log(sum) - logits[labels[row]]);
    });
  });
  return loss;
}

describe('training', function () {
  this.timeout(120_000);

  for (const [name, spec] of Object.entries(MODELS)) {
    it(
      `has the gradients of float64 for ${name}`,
      withDevice(async (device) => {
        const {source, file} = await testModel(spec);
        const from = trainingFactors(file, OPTIONS);
        const batch = trainingBatch(VOCABULARY, 0, LENGTHS);
        // Differences are taken along one random direction of each factor.
        const moving = from.map((term) => ({...term, a: Float64Array.from(term.a), b: Float64Array.from(term.b)}));
        const model = await ReferenceModel.load(source, file, moving);
        await withEngine(device, spec, (engine) =>
          withTraining(engine, {...OPTIONS, from}, async (training) => {
            const {loss, weight} = await finish(training.accumulate(batch));
            expect(weight).to.equal(batch.weights.reduce((sum, value) => sum + value, 0));
            expect(loss).to.be.closeTo(lossOf(model, batch), 1e-5 * loss);
            const gradients = await training.gradients();
            expect(gradients.map(({tensor}) => tensor)).to.deep.equal(from.map(({tensor}) => tensor));
            gradients.forEach((gradient, i) => {
              for (const half of ['a', 'b'] as const) {
                expectSlope(gradient[half], moving[i][half], () => lossOf(model, batch), `${gradient.tensor} ${half}`);
              }
            });
          }),
        );
      }),
    );
  }

  it(
    'leaves the chats their bits, and has its own however it is cut and whatever runs in between',
    withDevice(async (device) => {
      const {file} = await testModel(GEMMA3);
      const from = trainingFactors(file, OPTIONS);
      const batches = [trainingBatch(VOCABULARY, 0, LENGTHS), EXAMPLE];
      await withEngine(device, GEMMA3, async (engine) => {
        const alone = await chat(engine);
        const gradients = await withTraining(engine, {...OPTIONS, from}, async (training) => {
          for (const batch of batches) await finish(training.accumulate(batch));
          return training.gradients();
        });
        await withTraining(engine, {...OPTIONS, from, sliceMs: 0}, async (training) => {
          const sequence = engine.createSequence();
          const rows: Float32Array[] = [];
          let slices = 0;
          for (const batch of batches) {
            for await (const _ of training.accumulate(batch)) {
              if (slices++ % 8 !== 0 || rows.length === ASKED.length) continue;
              rows.push(...(await feed(engine, sequence, [ASKED[rows.length]], [1])));
            }
          }
          expect(rows.length, 'steps of the chat in between').to.be.greaterThan(20);
          expectSameLogits(rows, alone.slice(0, rows.length));
          sequence.free();
          expect(await training.gradients()).to.deep.equal(gradients);
        });
        expectSameLogits(await chat(engine), alone);
      });
    }),
  );

  it(
    'learns one example by heart, and goes on from a kept state with the same bits',
    withDevice((device) =>
      withEngine(device, GEMMA3, async (engine) => {
        const options = {...OPTIONS, rank: 8, alpha: 16, batchRows: EXAMPLE.tokens.length};
        const step = async (training: Training) => {
          const {loss, weight} = await finish(training.accumulate(EXAMPLE));
          await training.update(0.01, weight);
          return loss / weight;
        };
        await withTraining(engine, options, async (training) => {
          const first = await step(training);
          expect(first, 'at random').to.be.greaterThan(3);
          for (let i = 0; i < 15; i++) await step(training);
          const kept = await training.state();
          expect(kept.step).to.equal(16);
          const losses = [await step(training), await step(training)];
          const factors = (await training.state()).factors;
          await withTraining(engine, options, async (other) => {
            await finish(other.accumulate(EXAMPLE)); // what it has is forgotten
            other.restore(kept);
            expect(other.step).to.equal(16);
            expect([await step(other), await step(other)]).to.deep.equal(losses);
            expect((await other.state()).factors).to.deep.equal(factors);
          });
          const {loss, weight} = await finish(training.evaluate(EXAMPLE));
          expect(loss / weight).to.be.at.most(0.01);
          // A chat with the adapter says it.
          const adapter = await engine.loadAdapter(factors);
          const sequence = engine.createSequence([], [{adapter, scale: 1}]);
          const rows = await feed(engine, sequence, [...EXAMPLE.tokens], [64]);
          const said = rows.map((logits) => logits.indexOf(Math.max(...logits)));
          EXAMPLE.weights.forEach((counts, row) => {
            if (counts > 0) expect(said[row]).to.equal(EXAMPLE.labels[row]);
          });
          sequence.free();
        });
      }),
    ),
  );

  it(
    'plans the bytes that it takes, gives them back, and refuses what does not fit',
    withDevice((device) =>
      withEngine(
        device,
        GEMMA3,
        async (engine) => {
          const plan = planTraining(engine.file, OPTIONS);
          expect(Object.values(plan.parts).reduce((a, b) => a + b)).to.equal(plan.bytes);
          await withTraining(engine, OPTIONS, async (training) => expect(training.bytes).to.equal(plan.bytes));
          const large = {...OPTIONS, batchRows: 16384};
          const error = await refusal(createTraining(engine, large));
          expect(error.code).to.equal('out-of-memory');
          const {fitting} = error.detail as {fitting: number};
          expect(fitting).to.be.within(64, 8192);
          await withTraining(engine, {...OPTIONS, batchRows: fitting}, async () => undefined);
        },
        {memoryBudget: 100 * 2 ** 20},
      ),
    ),
  );

  it(
    'refuses options, batches and states that cannot be, by code',
    withDevice((device) =>
      withEngine(device, GEMMA3, async (engine) => {
        const wrong: Partial<TrainingOptions>[] = [
          {rank: 0},
          {rank: 1.5},
          {alpha: Number.NaN},
          {targets: ['attn_qq']},
          {targets: []},
          {batchRows: 0},
          {batchRows: 1e9},
          {seed: -1},
          {beta1: 1},
          {weightDecay: -1},
          {from: []},
        ];
        for (const options of wrong) {
          const error = await refusal(createTraining(engine, {...OPTIONS, ...options}));
          expect(error.code, JSON.stringify(options)).to.equal('option-invalid');
        }
        await withTraining(engine, {...OPTIONS, batchRows: 12}, async (training) => {
          const batches: Partial<TrainingBatch>[] = [
            {tokens: new Uint32Array(13)},
            {tokens: new Uint32Array(0)},
            {tokens: EXAMPLE.tokens.with(0, VOCABULARY)},
            {labels: EXAMPLE.labels.with(8, VOCABULARY)},
            {labels: new Uint32Array(11)},
            {weights: EXAMPLE.weights.with(8, Number.NaN)},
            {weights: EXAMPLE.weights.with(8, -1)},
            {starts: [1]},
            {starts: []},
            {starts: [0, 12]},
            {starts: [0, 5, 5]},
            {starts: [0, 0.5]},
          ];
          for (const part of batches) {
            const error = await refusal(finish(training.accumulate({...EXAMPLE, ...part})));
            expect(error.code, JSON.stringify(part)).to.equal('option-invalid');
          }
          const state = await training.state();
          expect(() => training.restore({...state, step: -1})).to.throw('updates');
          expect(() => training.restore({...state, factors: state.factors.slice(1)})).to.throw('terms');
          expect(() => training.restore({...state, moments: state.moments.toReversed()})).to.throw('moments');
          expect((await refusal(training.update(0.1, 0))).code).to.equal('option-invalid');
          // None of this has left anything.
          training.restore(state);
          const {loss, weight} = await finish(training.accumulate(EXAMPLE));
          expect(loss / weight).to.be.greaterThan(3);
          training.destroy();
          training.destroy();
          expect((await refusal(finish(training.evaluate(EXAMPLE)))).code).to.equal('closed');
        });
      }),
    ),
  );
});

/** The logits of a conversation. */
async function chat(engine: GpuEngine): Promise<Float32Array[]> {
  const sequence = engine.createSequence();
  const rows = await feed(engine, sequence, ASKED, [1]);
  sequence.free();
  return rows;
}

async function refusal(work: Promise<unknown>): Promise<GemmaError> {
  const error = await work.then(
    () => null,
    (reason) => reason,
  );
  expect(error, 'an error').to.be.instanceOf(GemmaError);
  return error;
}

/**
 * The slope along a random direction. Of n values whose error is a share e of them, the slope's is about e of √n-th of both
 * lengths. f32 gives about 1e-5.
 */
function expectSlope(gradient: Float32Array, at: Float64Array, loss: () => number, name: string): void {
  const direction = noise(at.length, at.length);
  const length = (values: ArrayLike<number>) => Math.sqrt(dot(values, values));
  const step = (1e-4 * length(at)) / length(direction);
  const before = at.slice();
  const moved = (by: number) => {
    at.forEach((_, i) => {
      at[i] = before[i] + by * direction[i];
    });
    return loss();
  };
  const slope = (moved(step) - moved(-step)) / (2 * step);
  at.set(before);
  const unit = (length(gradient) * length(direction)) / Math.sqrt(at.length);
  expect(unit, `${name} has a gradient`).to.be.greaterThan(0);
  expect(Math.abs(dot(gradient, direction) - slope) / unit, name).to.be.at.most(1e-4);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

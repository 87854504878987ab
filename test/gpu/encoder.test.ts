// Embedding models against the float64 judge, and against themselves: a text's vector depends on nothing but the text.
import {expect} from 'chai';
import {EMBEDDING_SHAPES} from '../../scripts/model-files/dense-shapes.ts';
import {EMBEDDING2_SHAPE} from '../../scripts/model-files/embedding2.ts';
import {generateModel, type Shape, type WeightType} from '../../scripts/model-files/model.ts';
import type {Encoder, EncoderOptions} from '../../src/engine/encoder/encoder.ts';
import {planEncoder} from '../../src/engine/encoder/encoder-plan.ts';
import {loadEncoder} from '../../src/engine/encoder/load-encoder.ts';
import {ALL_FUSIONS} from '../../src/engine/graph/fused.ts';
import {readEncoderConfig} from '../../src/engine/model/encoders.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {expectSame} from '../helpers/close.ts';
import {pipelinesOf, withDevice} from '../helpers/gpu.ts';
import {GemmaEmbeddingReference} from '../reference/models/gemma-embedding.ts';
import {GemmaEmbedding2Reference} from '../reference/models/gemma-embedding2.ts';

const SHAPE = EMBEDDING_SHAPES['gemma-embedding'];
/** Ids without a pattern. */
const text = (length: number, seed = 0): number[] =>
  Array.from({length}, (_, i) => (i * i * 37 + 11 * i + 2 + 5 * seed) % SHAPE.vocabSize);
/** One token; both sides of a page of 32 and of a reach of 17; more than a tile of 64. */
const TEXTS = [1, 17, 18, 32, 33, 70].map((length, seed) => text(length, seed));
const FAST = {attention: true, products: true, fusions: ALL_FUSIONS, teams: true};

async function model(type: WeightType, shape: Shape = SHAPE) {
  const source = memorySource(generateModel({shape, type}));
  return {source, file: await readGguf(source)};
}

async function withEncoder(
  device: GPUDevice,
  type: WeightType,
  body: (encoder: Encoder, judge: GemmaEmbeddingReference) => Promise<void>,
  options: EncoderOptions = {},
): Promise<void> {
  const {source, file} = await model(type);
  const encoder = await loadEncoder(source, file, device, {pipelines: pipelinesOf(device), ...options});
  try {
    await body(encoder, await GemmaEmbeddingReference.load(source, file));
  } finally {
    encoder.destroy();
  }
}

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);

/** Both of length one. f32 through five random layers. */
function expectVector(found: Float32Array, expected: Float64Array): void {
  const largest = Math.max(...expected.map(Math.abs));
  const error = Math.max(...expected.map((value, i) => Math.abs(value - found[i])));
  expect(error / largest, 'error over the largest number').to.be.below(2e-5);
  expect(cosine(found, expected)).to.be.above(1 - 1e-7);
}

describe('encoder', function () {
  this.timeout(60_000); // software adapters

  // With plain kernels too: `npm run conformance -- --embedding2`.
  it(
    'agrees with float64 on EmbeddingGemma 2, with fused and tiled kernels and mixed weights',
    withDevice(async (device) => {
      const {source, file} = await model('mixed', EMBEDDING2_SHAPE);
      const judge = await GemmaEmbedding2Reference.load(source, file);
      const options = {pipelines: pipelinesOf(device), variants: FAST, maxRows: 80};
      const encoder = await loadEncoder(source, file, device, options);
      try {
        expect(encoder.width).to.equal(EMBEDDING2_SHAPE.nVector);
        const texts = [TEXTS[0], TEXTS[2], TEXTS[5]];
        const vectors = await encoder.embed(texts);
        for (const [i, tokens] of texts.entries()) expectVector(vectors[i], judge.embed(tokens));
        expectSame((await encoder.embed([texts[2]]))[0], vectors[2]);
      } finally {
        encoder.destroy();
      }
    }),
  );

  for (const [name, options] of [
    ['plain kernels', {}],
    ['fused and tiled kernels', {variants: FAST}],
  ] as const) {
    it(
      `agrees with float64, with ${name}`,
      withDevice((device) =>
        withEncoder(
          device,
          'Q8_0',
          async (encoder, judge) => {
            expect(encoder.width).to.equal(SHAPE.nEmbd);
            const vectors = await encoder.embed(TEXTS);
            TEXTS.forEach((tokens, i) => {
              expectVector(vectors[i], judge.embed(tokens));
            });
          },
          options,
        ),
      ),
    );
  }

  for (const type of ['F32', 'Q4_0', 'mixed'] as const) {
    it(
      `agrees with float64 for ${type} weights`,
      withDevice((device) =>
        withEncoder(device, type, async (encoder, judge) => {
          const [vector] = await encoder.embed([TEXTS[5]]);
          expectVector(vector, judge.embed(TEXTS[5]));
        }),
      ),
    );
  }

  for (const [name, variants] of [
    ['plain', {}],
    ['fused and tiled', FAST],
  ] as const) {
    it(
      `gives a text the same bits alone and among others, ${name}`,
      withDevice((device) =>
        withEncoder(
          device,
          'Q4_0',
          async (encoder) => {
            // 171 tokens in steps of at most 80 rows.
            const together = await encoder.embed(TEXTS);
            for (const [i, tokens] of TEXTS.entries()) {
              const [alone] = await encoder.embed([tokens]);
              expectSame(alone, together[i]);
            }
          },
          {maxRows: 80, variants},
        ),
      ),
    );
  }

  it(
    'sees a token on either side: another word anywhere gives another vector',
    withDevice((device) =>
      withEncoder(device, 'F32', async (encoder) => {
        const base = text(40);
        const changed = [0, 20, 39].map((at) => base.map((id, i) => (i === at ? (id + 1) % SHAPE.vocabSize : id)));
        const [first, ...others] = await encoder.embed([base, ...changed]);
        for (const other of others) expect(cosine(first, other)).to.be.below(1 - 1e-6);
      }),
    ),
  );

  it(
    'refuses what it cannot read before anything runs, and goes on',
    withDevice((device) =>
      withEncoder(
        device,
        'F32',
        async (encoder) => {
          for (const [texts, code] of [
            [[[2, 3], []], 'option-invalid'],
            [[[2], [SHAPE.vocabSize]], 'option-invalid'],
            [[[2], [1.5]], 'option-invalid'],
            [[text(81)], 'context-overflow'],
          ] as const) {
            const error = await encoder.embed(texts).catch((reason: unknown) => reason);
            expect(error).to.have.property('code', code);
          }
          const aborted = await encoder.embed([[2]], {signal: AbortSignal.abort()}).catch((reason: unknown) => reason);
          expect(aborted).to.have.property('name', 'AbortError');
          expect(await encoder.embed([])).to.deep.equal([]);
          expect(await encoder.embed([[2, 3]])).to.have.length(1);
        },
        {maxRows: 80},
      ),
    ),
  );

  it(
    'takes the bytes that were planned',
    withDevice(async (device) => {
      const {file} = await model('Q8_0');
      const {bytes} = planEncoder(readEncoderConfig(file), device.limits, {maxRows: 80});
      await withEncoder(
        device,
        'Q8_0',
        async (encoder) => {
          const {weightBytes, kvBytes, scratchBytes} = encoder.stats();
          expect([weightBytes, kvBytes, scratchBytes]).to.deep.equal([bytes.weights, bytes.kv, bytes.scratch]);
          // Keys and values of one layer, whole pages of at most 80 texts.
          expect(kvBytes).to.be.below(2 * 4 * 64 * (80 + 32 * 80));
        },
        {maxRows: 80},
      );
    }),
  );
});

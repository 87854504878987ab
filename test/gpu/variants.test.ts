// Engines on the faster kernels, each against the plain one and the judge. A decode row has the same bits alone and in any
// step, a prompt row in any cut of the prompt into parts of two rows and more; between the two kinds, and to the plain
// kernels, there is a tolerance.
import {expect} from 'chai';
import type {ModelSpec} from '../../scripts/model-files/model.ts';
import type {EngineOptions, StepInput} from '../../src/engine/engine.ts';
import {ALL_FUSIONS} from '../../src/engine/graph/fused.ts';
import type {Variants} from '../../src/engine/graph/variants.ts';
import {PREPARING_BUFFERS} from '../../src/engine/kernels/attention_split.ts';
import {expectLogits, expectSameLogits, feed, judge, TOKENS, withEngine} from '../helpers/engine.ts';
import {withDevice} from '../helpers/gpu.ts';

const subgroups: GPUFeatureName[] = ['subgroups'];
const all = {
  attention: true,
  products: true,
  partLength: 32, // as short as parts can be: the models are small
  outputTail: true,
  teams: true,
  sampling: true,
  fusions: ALL_FUSIONS,
};

interface Case {
  variants: Partial<Variants>;
  features?: GPUFeatureName[];
  limits?: Record<string, number>;
  /** Beside Gemma 4. */
  shapes?: readonly ModelSpec[];
}

const VARIANTS: Record<string, Case> = {
  attention: {variants: {attention: true}, shapes: [{shape: 'gemma2'}]},
  'attention with subgroups': {variants: {attention: true, subgroups: true}, features: subgroups},
  'products by tiles': {variants: {products: true}},
  'its tail over the output rows': {variants: {outputTail: true}},
  'products by teams': {variants: {teams: true}, shapes: [{type: 'mixed'}]},
  // Subgroups as large as a GPU has.
  'products by teams of subgroups': {variants: {teams: true, subgroups: true, subgroupSize: 32}, features: subgroups},
  everything: {
    variants: all,
    shapes: [{shape: 'gemma'}, {shape: 'gemma2'}, {shape: 'gemma3'}, {shape: 'gemma3n'}, {shape: 'moe', type: 'mixed'}],
  },
  'everything with subgroups': {
    variants: {...all, fusions: {...ALL_FUSIONS, prepared: true, normed: 2 ** 20}, subgroups: true, subgroupSize: 32},
    features: subgroups,
    limits: {maxStorageBuffersPerShaderStage: PREPARING_BUFFERS},
    shapes: [{shape: 'ghost-kv', type: 'mixed'}, {shape: 'gemma2'}],
  },
};

for (const [name, {variants, features = [], limits, shapes: others = []}] of Object.entries(VARIANTS)) {
  describe(`an engine with ${name}`, () => {
    const options: EngineOptions = {variants};
    const shapes: readonly ModelSpec[] = [{}, ...others];
    for (const spec of shapes) {
      it(
        `agrees with the judge token by token, in chunks and mixed: ${spec.shape ?? 'gemma4'}${spec.type ? `, ${spec.type}` : ''}`,
        withDevice(
          (device) =>
            withEngine(
              device,
              spec,
              async (engine) => {
                const expected = await judge(spec);
                const sequence = engine.createSequence();
                const logits = await feed(engine, sequence, TOKENS, [20, 1, 1, 30, 1, 17]);
                expectLogits(logits, expected);
                sequence.free();
              },
              options,
            ),
          {features, limits},
        ),
      );
    }

    // Of rows' bits all kernels together say as much as each by itself.
    if (!name.startsWith('everything')) return;

    it(
      'gives a decode row the same bits alone and among others, whatever their order',
      withDevice(
        (device) =>
          withEngine(
            device,
            {},
            async (engine) => {
              const start = async (length: number) => {
                const sequence = engine.createSequence();
                await feed(engine, sequence, TOKENS.slice(0, length), [33]);
                return sequence;
              };
              const lengths = [40, 66];
              const alone: Float32Array[] = [];
              for (const length of lengths) {
                const sequence = await start(length);
                alone.push(...(await feed(engine, sequence, TOKENS.slice(length, length + 1), [1])));
                sequence.free();
              }
              const sequences = [await start(40), await start(66)];
              const prompt = engine.createSequence();
              const row = (i: number): StepInput => ({
                sequence: sequences[i],
                tokens: TOKENS.slice(lengths[i], lengths[i] + 1),
                logits: 'last',
              });
              const others = {sequence: prompt, tokens: TOKENS.slice(5, 25), logits: 'last'} as const;
              const results = await engine.step([row(1), others, row(0)]);
              expectSameLogits([results[2][0], results[0][0]], alone);
              for (const sequence of [...sequences, prompt]) sequence.free();
            },
            options,
          ),
        {features, limits},
      ),
    );

    it(
      'gives a prompt’s rows the same bits in any cut',
      withDevice(
        (device) =>
          withEngine(
            device,
            {},
            async (engine) => {
              const cuts = [
                [70], // more than few
                [33, 37],
                [2, 3, 50, 15],
              ];
              const all: Float32Array[][] = [];
              for (const sizes of cuts) {
                const sequence = engine.createSequence();
                all.push(await feed(engine, sequence, TOKENS, sizes));
                sequence.free();
              }
              for (const other of all.slice(1)) expectSameLogits(other, all[0]);
              expect(all[0].length).to.equal(TOKENS.length);
            },
            {...options, chunkSize: 70},
          ),
        {features, limits},
      ),
    );
  });
}

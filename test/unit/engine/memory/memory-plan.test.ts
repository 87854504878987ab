// The memory plan from headers alone: figures, placement of the per-layer table, refusals. That the figures are those of
// a loaded engine: test/gpu/placement.test.ts.
import {expect} from 'chai';
import {GEMMA4_PUBLISHED} from '../../../../scripts/model-files/gemma4-published.ts';
import type {ModelSpec} from '../../../../scripts/model-files/model.ts';
import {ALL_FUSIONS} from '../../../../src/engine/graph/fused.ts';
import {PLAIN} from '../../../../src/engine/graph/variants.ts';
import {guessBudget, type MemoryOptions, planMemory} from '../../../../src/engine/memory/memory-plan.ts';
import {readConfig} from '../../../../src/engine/model/config.ts';
import {type ErrorCode, GemmaError} from '../../../../src/errors.ts';
import {headerOf} from '../../../helpers/dispatch-list.ts';
import {testModel} from '../../../helpers/engine.ts';

const DESKTOP = {maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 32 - 4};
const GUARANTEED = {maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27};

const configOf = async (spec: ModelSpec = {}) => readConfig((await testModel(spec)).file);

async function refusal(spec: ModelSpec, limits: typeof DESKTOP, options: MemoryOptions): Promise<GemmaError> {
  const config = await configOf(spec);
  try {
    planMemory(config, limits, options);
  } catch (error) {
    expect(error).to.be.instanceOf(GemmaError);
    return error as GemmaError;
  }
  return expect.fail('expected a refusal');
}

describe('planMemory', () => {
  it('puts everything on the GPU where it fits, and adds up', async () => {
    const config = await configOf({type: 'Q8_0'});
    const plan = planMemory(config, DESKTOP, {contextLength: 128});
    expect(plan.perLayerEmbeddings).to.equal('gpu');
    const {weights, kv, scratch, total} = plan.gpu;
    expect(total).to.equal(weights + kv + scratch);
    const stored = [...config.tensors.values()].reduce((sum, {byteLength}) => sum + byteLength, 0);
    // Padding of rows and buffers, less the RoPE factors.
    expect(weights).to.be.within(stored, stored * 1.02);
    expect(plan).to.include({contextLength: 128, hostCache: 0, fileTable: 0, budget: Infinity});
    expect(plan.largestBuffer).to.be.below(total);
    expect(plan.loadPeak).to.be.below(96 * 2 ** 20);
  });

  it('takes at most 90.3 MiB above weights, keys and values for wide steps of E2B', () => {
    const variants = {
      ...PLAIN,
      attention: true,
      products: true,
      partLength: 256,
      outputTail: true,
      fusions: ALL_FUSIONS,
      sampling: true,
    };
    const config = readConfig(headerOf(GEMMA4_PUBLISHED.e2b, 'Q4_0'));
    const {scratch} = planMemory(config, DESKTOP, {contextLength: 8192, chunkSize: 512, variants}).gpu;
    expect(scratch / 2 ** 20).to.be.at.most(90.3);
  });

  it('leaves the table in the file when asked to, or when the rest fits the budget alone', async () => {
    const config = await configOf({type: 'Q8_0'});
    const onGpu = planMemory(config, DESKTOP).gpu.total;
    const hosted = planMemory(config, DESKTOP, {perLayerEmbeddings: 'host'});
    const table = config.tensors.get('per_layer_token_embd.weight')!.byteLength;
    expect(hosted.perLayerEmbeddings).to.equal('host');
    expect(hosted.fileTable).to.equal(table);
    expect(hosted.hostCache).to.be.above(0);
    // A step's rows and their numbers are on the GPU instead.
    expect(hosted.gpu.total).to.be.within(onGpu - table, onGpu - table / 2);
    const at = (memoryBudget: number) => planMemory(config, DESKTOP, {memoryBudget}).perLayerEmbeddings;
    expect(at(onGpu)).to.equal('gpu');
    expect(at(onGpu - 1)).to.equal('host');
    expect(at(hosted.gpu.total)).to.equal('host');
  });

  it('has nothing to place in a model without such a table', async () => {
    const config = await configOf({shape: 'no-ple', type: 'Q8_0'});
    expect(planMemory(config, DESKTOP, {perLayerEmbeddings: 'host'}).perLayerEmbeddings).to.equal('none');
  });

  it('refuses what fits no way, with the figures', async () => {
    const error = await refusal({type: 'Q8_0'}, DESKTOP, {memoryBudget: 100_000, contextLength: 256});
    expect(error.code).to.equal('out-of-memory');
    expect(error.message).to.match(
      /needs \d+ MiB on the GPU \(weights .*left out, a context of 256 .*assumed to hold 0 MiB/,
    );
    const {needed, budget, weights, kv, scratch} = error.detail as Record<string, number>;
    expect(budget).to.equal(100_000);
    expect(needed).to.equal(weights + kv + scratch);
    expect(error.detail).to.include({perLayerEmbeddings: 'host', contextLength: 256});
  });

  it('does not move the table when the GPU was asked for', async () => {
    const config = await configOf({type: 'Q8_0'});
    const memoryBudget = planMemory(config, DESKTOP).gpu.total - 1;
    const error = await refusal({type: 'Q8_0'}, DESKTOP, {memoryBudget, perLayerEmbeddings: 'gpu'});
    expect(error.detail).to.include({perLayerEmbeddings: 'gpu'});
  });

  it('refuses a buffer above the limits whatever the budget', async () => {
    const small = {maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 2 ** 17};
    const error = await refusal({type: 'Q8_0'}, small, {memoryBudget: 2 ** 40, contextLength: 2048});
    expect(error.code).to.equal('out-of-memory');
    expect(error.message).to.match(/Ask for a context of at most \d+/);
  });

  for (const [option, value] of [
    ['contextLength', 0],
    ['chunkSize', 5000],
    ['maxSequences', 1.5],
    ['kvPages', -1],
    ['memoryBudget', 0],
    ['memoryBudget', Number.NaN],
    ['perLayerEmbeddings', 'disk'],
  ] as [keyof MemoryOptions, number | string][]) {
    it(`refuses ${option} ${value}`, async () => {
      const error = await refusal({}, DESKTOP, {[option]: value} as MemoryOptions);
      expect(error.code).to.equal('option-invalid' satisfies ErrorCode);
      expect(error.detail).to.include({option});
    });
  }

  it('guesses the memory of small GPUs and admits that it cannot guess that of others', () => {
    expect(guessBudget(GUARANTEED)).to.equal(2 ** 30);
    expect(guessBudget({...GUARANTEED, maxBufferSize: 2 ** 29})).to.equal(2 ** 31);
    expect(guessBudget({...GUARANTEED, maxBufferSize: 2 ** 30})).to.equal(Infinity);
    expect(guessBudget(DESKTOP)).to.equal(Infinity);
  });
});

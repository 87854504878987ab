// A graph says what depends on what: any order of its operations that keeps that gives the same logits, bit for bit, over
// the buffers that are planned for that order.
import {GpuEngine} from '../../src/engine/gpu-engine.ts';
import type {Graph} from '../../src/engine/graph/graph.ts';
import {dependenciesOf} from '../../src/engine/graph/stages.ts';
import {assemble, createWeights} from '../../src/engine/memory/assemble.ts';
import {planEngine} from '../../src/engine/memory/memory-plan.ts';
import {uploadWeights} from '../../src/engine/memory/upload.ts';
import {readConfig} from '../../src/engine/model/config.ts';
import {record} from '../../src/engine/record.ts';
import {BufferPool} from '../../src/gpu/buffers.ts';
import {lostError} from '../../src/gpu/device.ts';
import {shuffled} from '../fixtures/random-graph.ts';
import {expectSameLogits, feed, SMALL, type TestModel, TOKENS, testModel} from '../helpers/engine.ts';
import {inBrowser, pipelinesOf, withDevice} from '../helpers/gpu.ts';

/** An engine that runs `graph`, or the model's own where there is none, with made weights and no checks. */
async function engineOf(device: GPUDevice, {source, file}: TestModel, change: (graph: Graph) => Graph) {
  const config = readConfig(file);
  const {sizes, graph} = planEngine(config, device.limits, {contextLength: 64, chunkSize: 16});
  const pool = new BufferPool(device);
  const pipelines = pipelinesOf(device);
  const weights = createWeights(pool, sizes);
  const assembly = assemble(config, change(graph), sizes, weights, new Map(), pool);
  await uploadWeights(device, source, sizes.layouts, weights, pipelines);
  const {chunkSize, maxOutputs} = sizes;
  const parts = {
    file,
    device,
    lost: device.lost.then(lostError),
    pool,
    pipelines,
    chunkSize,
    maxOutputs,
    suppressedTokens: [],
    sampling: null,
    samplingDispatches: [],
    budget: Number.POSITIVE_INFINITY,
    ahead: false,
    hosted: null,
  };
  return new GpuEngine({...assembly, ...(await record(device, pipelines, assembly.base, null)), ...parts});
}

async function logitsOf(engine: GpuEngine): Promise<Float32Array[]> {
  try {
    const sequence = engine.createSequence();
    const logits = await feed(engine, sequence, TOKENS.slice(0, 20), [7, 1, 12]);
    await engine.step([{sequence, tokens: TOKENS.slice(20, 30), logits: 'none'}]);
    return [...logits, ...(await feed(engine, sequence, TOKENS.slice(30, 32), [1]))];
  } finally {
    engine.destroy();
  }
}

describe('order of operations', () => {
  const shapes = {
    gemma4: SMALL,
    moe: 'moe',
    gemma3n: 'gemma3n',
    gemma3: 'gemma3',
    gemma2: 'gemma2',
    gemma: 'gemma',
  } as const;
  for (const [name, shape] of Object.entries(shapes)) {
    if (inBrowser && name !== 'gemma') continue; // what is shuffled knows no adapter: the smallest is enough
    it(
      `does not show in the logits of ${name}`,
      withDevice(async (device) => {
        const model = await testModel({shape, type: 'Q8_0'});
        const expected = await logitsOf(await engineOf(device, model, (graph) => graph));
        for (const seed of [1, 2]) {
          const other = await engineOf(device, model, (graph) => shuffled(graph, dependenciesOf(graph), seed));
          expectSameLogits(await logitsOf(other), expected);
        }
      }),
    );
  }
});

// The per-layer embedding table on the GPU and in the file: the same logits, bit for bit, and the memory that was planned.
import {expect} from 'chai';
import type {ModelSpec} from '../../scripts/model-files/model.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {planMemory} from '../../src/engine/memory/memory-plan.ts';
import {readConfig} from '../../src/engine/model/config.ts';
import {GemmaError} from '../../src/errors.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import {expectSameLogits, feed, TOKENS, testModel, withEngine} from '../helpers/engine.ts';
import {pipelinesOf, withDevice} from '../helpers/gpu.ts';

const OPTIONS = {contextLength: 128, maxSequences: 3};
const TABLE = 'per_layer_token_embd.weight';

describe('placement of the per-layer table', function () {
  this.timeout(120_000); // software adapters

  // A plain type, and blocks whose rows of 160 values are padded.
  for (const type of ['mixed', 'Q5_0'] as const) {
    it(
      `gives the same bits from the file, ${type}, in chunks and token by token`,
      withDevice(async (device) => {
        const run = (perLayerEmbeddings: 'gpu' | 'host') =>
          withEngine(
            device,
            {type},
            async (engine) => {
              expect(engine.readsSource).to.equal(perLayerEmbeddings === 'host');
              const chunks = await feed(engine, engine.createSequence(), TOKENS.slice(0, 45), [33, 11, 1]);
              return [...chunks, ...(await feed(engine, engine.createSequence(), TOKENS.slice(0, 3), [1]))];
            },
            {perLayerEmbeddings},
          );
        expectSameLogits(await run('host'), await run('gpu'));
      }),
    );
  }

  // Every architecture has scratch of its own; two have the table.
  const placed: [ModelSpec, 'gpu' | 'host'][] = [
    [{type: 'Q5_0'}, 'gpu'],
    [{type: 'Q5_0'}, 'host'],
    [{shape: 'gemma3n', type: 'Q8_0'}, 'host'],
    [{shape: 'moe', type: 'Q4_0'}, 'gpu'],
    [{shape: 'gemma2', type: 'Q8_0'}, 'gpu'],
  ];
  for (const [spec, perLayerEmbeddings] of placed) {
    it(
      `takes exactly what was planned: ${spec.shape ?? 'small'}, ${perLayerEmbeddings}`,
      withDevice(async (device) => {
        const {file} = await testModel(spec);
        const plan = planMemory(readConfig(file), device.limits, {...OPTIONS, perLayerEmbeddings});
        await withEngine(
          device,
          spec,
          async (engine) => {
            const {weightBytes, kvBytes, scratchBytes} = engine.stats();
            const {weights, kv, scratch} = plan.gpu;
            expect({weightBytes, kvBytes, scratchBytes}).to.deep.equal({
              weightBytes: weights,
              kvBytes: kv,
              scratchBytes: scratch,
            });
          },
          {...OPTIONS, perLayerEmbeddings},
        );
      }),
    );
  }

  it(
    'never streams the table, and survives a read that fails',
    withDevice(async (device) => {
      const {source, file} = await testModel({type: 'Q8_0'});
      const {offset, byteLength} = file.tensors.get(TABLE)!;
      let broken = false;
      const watched: ByteSource = {
        ...source,
        async read(from, length) {
          if (broken) throw new GemmaError('network', 'gone');
          return source.read(from, length);
        },
        async *stream(from, length, signal) {
          expect(from >= offset + byteLength || from + length <= offset, 'stream of the table').to.equal(true);
          yield* source.stream(from, length, signal);
        },
      };
      const options = {...OPTIONS, perLayerEmbeddings: 'host' as const, pipelines: pipelinesOf(device)};
      const engine = (await loadEngine(watched, file, device, options)) as GpuEngine;
      try {
        const sequence = engine.createSequence();
        await feed(engine, sequence, TOKENS.slice(0, 5), [5]);
        broken = true;
        const error = await engine.step([{sequence, tokens: [300], logits: 'last'}]).catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(GemmaError).with.property('code', 'network');
        expect(sequence.tokens.length).to.equal(5);
        broken = false;
        const after = await feed(engine, sequence, [300, 301], [1]);
        const fresh = await feed(engine, engine.createSequence(), [...TOKENS.slice(0, 5), 300, 301], [7]);
        expectSameLogits(after, fresh.slice(5));
      } finally {
        engine.destroy();
      }
    }),
  );

  it(
    'streams the table once if asked to, and counts it as loaded',
    withDevice(async (device) => {
      const {source, file} = await testModel({type: 'Q8_0'});
      const {offset, byteLength} = file.tensors.get(TABLE)!;
      let streamed = 0;
      const watched: ByteSource = {
        ...source,
        async *stream(from, length, signal) {
          if (from === offset) streamed += length;
          yield* source.stream(from, length, signal);
        },
      };
      const seen: [number, number][] = [];
      const engine = await loadEngine(watched, file, device, {
        ...OPTIONS,
        pipelines: pipelinesOf(device),
        perLayerEmbeddings: 'host',
        prefetchTable: true,
        onProgress: (...progress) => void seen.push(progress),
      });
      engine.destroy();
      expect(streamed).to.equal(byteLength);
      expect(new Set(seen.map(([, total]) => total)).size).to.equal(1);
      expect(seen.at(-1)![0]).to.equal(seen[0][1]);
      for (let i = 1; i < seen.length; i++) expect(seen[i][0]).to.be.at.least(seen[i - 1][0]);
    }),
  );

  it(
    'moves the table to the file when the GPU turns out to be too small, and frees what it had taken',
    withDevice(async (device) => {
      const create = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        if (descriptor.label?.startsWith(`${TABLE}[`)) throw new GemmaError('out-of-memory', 'no room');
        return create(descriptor);
      };
      try {
        await withEngine(device, {type: 'Q8_0'}, async (engine) => {
          expect(engine.readsSource).to.equal(true);
          const {file} = await testModel({type: 'Q8_0'});
          const plan = planMemory(readConfig(file), device.limits, {...OPTIONS, perLayerEmbeddings: 'host'});
          expect(engine.stats().weightBytes).to.equal(plan.gpu.weights);
        });
        const forced = await withEngine(device, {type: 'Q8_0'}, async () => null, {perLayerEmbeddings: 'gpu'}).catch(
          (reason: unknown) => reason,
        );
        expect(forced).to.be.instanceOf(GemmaError).with.property('code', 'out-of-memory');
      } finally {
        delete (device as {createBuffer?: unknown}).createBuffer;
      }
    }),
  );
});

// Loading: what is fetched, what arrives on the GPU, what stops it, and what the self-test finds.
import {expect} from 'chai';
import {WEIGHT_TYPES, type WeightType} from '../../src/engine/kernels/kernels.ts';
import {interleaveRows} from '../../src/engine/kernels/weight-layout.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {uploadWeights} from '../../src/engine/memory/upload.ts';
import {allocateWeight, layOut} from '../../src/engine/memory/weights.ts';
import {readConfig} from '../../src/engine/model/config.ts';
import {checkKernels} from '../../src/engine/self-test.ts';
import {type ErrorCode, GemmaError} from '../../src/errors.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import {BufferPool} from '../../src/gpu/buffers.ts';
import {PipelineCache} from '../../src/gpu/pipelines.ts';
import {testModel, withEngine} from '../helpers/engine.ts';
import {pipelinesOf, readBuffer, withDevice} from '../helpers/gpu.ts';

/** The same bytes in pieces of `piece`, cut off at `end`; ranges that were streamed are noted. */
function slowSource(bytes: Uint8Array, piece: number, end = bytes.length) {
  const ranges: [number, number][] = [];
  const source: ByteSource = {
    name: 'test',
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    async *stream(offset, length, signal) {
      ranges.push([offset, offset + length]);
      for (let at = offset; at < Math.min(end, offset + length); at += piece) {
        signal?.throwIfAborted();
        yield bytes.subarray(at, Math.min(at + piece, offset + length, end));
      }
    },
  };
  return {source, ranges};
}

/** From now on the device compiles a faulty form of a kernel, until the returned function is called. A build drops spaces. */
function breakKernel(device: GPUDevice, kernel: string, right: string, fault: string): () => void {
  const create = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    if (descriptor.label !== kernel) return create(descriptor);
    const text = new RegExp(right.split(' ').map(escaped).join('\\s*'), 'g');
    expect(descriptor.code).to.match(text);
    return create({...descriptor, code: descriptor.code.replace(text, fault)});
  };
  return () => delete (device as {createShaderModule?: unknown}).createShaderModule;
}

const escaped = (part: string): string => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

async function failure(act: Promise<unknown>): Promise<unknown> {
  return act.then(
    () => expect.fail('expected an error'),
    (reason: unknown) => reason,
  );
}

describe('engine load', function () {
  this.timeout(120_000); // software adapters

  // Pieces that end inside rows, words and padding; slices that end inside pieces. Q6_K rows of 256 are padded by 2.
  for (const [type, piece, maxSliceBytes] of [
    ['F32', 10_007, 2 ** 20],
    ['Q6_K', 997, 2 ** 20],
    ['Q6_K', 2 ** 20, 50_001],
    ['Q8_0', 61, 5_000],
  ] as const) {
    it(
      `puts every row of ${type} in its place: pieces of ${piece}, slices of ${maxSliceBytes}`,
      withDevice(async (device) => {
        const {bytes, file} = await testModel({shape: 'ghost-kv', type});
        const layouts = [...readConfig(file).tensors.values()]
          .slice(0, 12)
          .map((tensor) => layOut(tensor, maxSliceBytes));
        const pool = new BufferPool(device);
        const weights = new Map(layouts.map((layout) => [layout.tensor.name, allocateWeight(pool, layout)]));
        await uploadWeights(device, slowSource(bytes, piece).source, layouts, weights, pipelinesOf(device));
        for (const {tensor, rowBytes, nIn, nOut, matrix} of layouts) {
          const {slices} = weights.get(tensor.name)!;
          expect(slices.reduce((sum, {nRows}) => sum + nRows, 0)).to.equal(nOut);
          for (const {buffer, firstRow, nRows} of slices) {
            expect(buffer.size).to.be.at.most(Math.max(16, maxSliceBytes));
            const at = tensor.offset + firstRow * rowBytes;
            const rows = bytes.subarray(at, at + nRows * rowBytes);
            const expected = matrix ? interleaveRows(tensor.type as WeightType, nIn, rows, nRows) : rows;
            const found = new Uint8Array(await readBuffer(device, buffer, expected.length));
            const wrong = found.findIndex((value, i) => value !== expected[i]);
            expect(wrong, `${tensor.name}[${firstRow}] byte`).to.equal(-1);
          }
        }
        pool.destroy();
      }),
    );
  }

  it(
    'fetches no unused tensor, the rest in file order and once',
    withDevice(async (device) => {
      const {bytes, file} = await testModel({shape: 'ghost-kv'});
      const {source, ranges} = slowSource(bytes, 2 ** 20);
      const layouts = [...readConfig(file).tensors.values()].map((tensor) => layOut(tensor, 2 ** 27));
      const pool = new BufferPool(device);
      const weights = new Map(layouts.map((layout) => [layout.tensor.name, allocateWeight(pool, layout)]));
      await uploadWeights(device, source, layouts, weights, pipelinesOf(device));
      pool.destroy();
      for (const name of ['blk.3.attn_k.weight', 'blk.4.attn_v.weight']) {
        const {offset} = file.tensors.get(name)!;
        expect(
          ranges.some(([from, to]) => from <= offset && offset < to),
          name,
        ).to.equal(false);
      }
      for (let i = 1; i < ranges.length; i++) expect(ranges[i][0]).to.be.at.least(ranges[i - 1][1]);
      expect(ranges.length).to.be.at.most(3);
    }),
  );

  it(
    'says when the bytes end too early',
    withDevice(async (device) => {
      const {bytes, file} = await testModel({type: 'Q4_0'});
      const {source} = slowSource(bytes, 4096, bytes.length - 50_000);
      const error = await failure(loadEngine(source, file, device, {contextLength: 64}));
      expect(error).to.be.instanceOf(GemmaError).with.property('code', 'gguf-truncated');
    }),
  );

  it(
    'reports progress that only grows and ends at the whole',
    withDevice(async (device) => {
      const seen: [number, number][] = [];
      await withEngine(device, {type: 'Q4_K'}, async () => {}, {onProgress: (...progress) => void seen.push(progress)});
      const {file} = await testModel({type: 'Q4_K'});
      const used = [...readConfig(file).tensors.values()].filter(({name}) => name !== 'rope_freqs.weight');
      const total = used.reduce((sum, {byteLength}) => sum + byteLength, 0);
      expect(seen[0]).to.deep.equal([0, total]);
      expect(seen.at(-1)).to.deep.equal([total, total]);
      for (let i = 1; i < seen.length; i++) expect(seen[i][0]).to.be.at.least(seen[i - 1][0]);
    }),
  );

  it(
    'stops between two pieces when aborted, and frees what it took',
    withDevice(async (device) => {
      const {bytes, file} = await testModel({type: 'Q4_K'});
      const {source} = slowSource(bytes, 50_000);
      const controller = new AbortController();
      let last = 0;
      const made: GPUBuffer[] = [];
      const create = device.createBuffer.bind(device);
      device.createBuffer = (descriptor) => {
        const buffer = create(descriptor);
        made.push(buffer);
        return buffer;
      };
      const error = await failure(
        loadEngine(source, file, device, {
          signal: controller.signal,
          onProgress: (loaded, total) => {
            last = loaded / total;
            if (last > 0.3) controller.abort();
          },
        }),
      );
      delete (device as {createBuffer?: unknown}).createBuffer;
      expect(error).to.have.property('name', 'AbortError');
      expect(last).to.be.below(0.5);
      // A destroyed buffer cannot be mapped or written: writing to each must be an error.
      expect(made.length).to.be.above(10);
      for (const buffer of made) {
        if (!(buffer.usage & GPUBufferUsage.COPY_DST)) continue;
        device.pushErrorScope('validation');
        device.queue.writeBuffer(buffer, 0, new Uint32Array(1));
        expect(await device.popErrorScope(), buffer.label).not.to.equal(null);
      }
    }),
  );

  it(
    'asks for the weights while it compiles',
    withDevice(async (device) => {
      const {bytes, file} = await testModel({type: 'Q4_K'});
      const {source} = slowSource(bytes, 2 ** 20);
      let ask = (): void => {};
      const asked = new Promise<void>((resolve) => {
        ask = resolve;
      });
      const create = device.createComputePipelineAsync.bind(device);
      device.createComputePipelineAsync = (descriptor) => asked.then(() => create(descriptor));
      try {
        const watched: ByteSource = {
          ...source,
          stream(...range) {
            ask();
            return source.stream(...range);
          },
        };
        (await loadEngine(watched, file, device, {contextLength: 64})).destroy();
      } finally {
        delete (device as {createComputePipelineAsync?: unknown}).createComputePipelineAsync;
      }
    }),
  );

  it(
    'asks for no more bytes once the self-test has failed',
    withDevice(async (device) => {
      const {bytes, file} = await testModel({type: 'Q4_K'});
      const endless: ByteSource = {
        ...slowSource(bytes, 1000).source,
        async *stream(offset, _, signal) {
          yield bytes.subarray(offset, offset + 1000);
          await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        },
      };
      const restore = breakKernel(device, 'geglu', 'tanh_clamped(0', 'tanh(0.9 * 0');
      const error = await failure(loadEngine(endless, file, device, {contextLength: 64}));
      restore();
      expect(error).to.be.instanceOf(GemmaError).with.property('code', 'shader-invalid');
    }),
  );

  it(
    'says so when the device is lost while it loads',
    withDevice(
      async (device) => {
        const {bytes, file} = await testModel({type: 'Q4_K'});
        const {source} = slowSource(bytes, 50_000);
        const error = await failure(
          loadEngine(source, file, device, {
            onProgress: (loaded) => {
              if (loaded > 100_000) device.destroy();
            },
          }),
        );
        expect(error).to.be.instanceOf(GemmaError).with.property('code', 'device-lost');
      },
      {limits: {maxStorageBufferBindingSize: 2 ** 25}}, // a device of its own
    ),
  );

  it(
    'compiles a pipeline for each size of vectors, not for each layer, and one for all matrices of a type',
    withDevice(async (device) => {
      const create = device.createComputePipelineAsync.bind(device);
      const labels: string[] = [];
      device.createComputePipelineAsync = (descriptor) => {
        labels.push(descriptor.label ?? '');
        return create(descriptor);
      };
      try {
        await withEngine(device, {type: 'Q4_K'}, async () => {}, {pipelines: new PipelineCache(device)});
      } finally {
        delete (device as {createComputePipelineAsync?: unknown}).createComputePipelineAsync;
      }
      // The self-test's, two widths of feed-forward layers, and the per-layer embeddings of five layers.
      expect(labels.filter((label) => label === 'geglu').length).to.equal(4);
      for (const kernel of ['mul_mat_q4_k', 'attention']) {
        expect(labels.filter((label) => label === kernel).length, kernel).to.equal(1);
      }
    }),
  );

  const refusals: [string, object, ErrorCode, RegExp][] = [
    ['a chunk of no rows', {chunkSize: 0}, 'option-invalid', /chunkSize is 0/],
    ['half a page', {kvPages: 0.5}, 'option-invalid', /kvPages is 0.5/],
    ['slices smaller than a row', {maxSliceBytes: 100}, 'out-of-memory', /4 rows of .* take \d+ bytes/],
  ];
  for (const [what, options, code, message] of refusals) {
    it(
      `refuses ${what}`,
      withDevice(async (device) => {
        const {source, file} = await testModel({type: 'Q4_K'});
        const error = await failure(loadEngine(source, file, device, options));
        expect(error).to.be.instanceOf(GemmaError).with.property('code', code);
        expect((error as Error).message).to.match(message);
      }),
    );
  }

  it(
    "never holds more positions than the model's context",
    withDevice((device) =>
      withEngine(
        device,
        {type: 'Q4_K'},
        async (engine) => {
          expect(engine.contextLength).to.equal(2048);
        },
        {contextLength: 100_000, maxSequences: 1},
      ),
    ),
  );
});

describe('self-test', function () {
  this.timeout(120_000);

  it(
    'passes on this device',
    withDevice(async (device) => {
      await checkKernels(device, new PipelineCache(device), WEIGHT_TYPES, {experts: true});
    }),
  );

  // Each fault is one that a compiler or a driver could have.
  for (const [kernel, right, fault] of [
    ['geglu', 'tanh_clamped(0', 'tanh(0.9 * 0'],
    ['rms_norm', '+ EPS', '+ EPS + 0.01'],
    ['attention', 'end - min(end, window)', 'end - min(end, window + 1u)'],
    ['softcap', 'CAP * tanh', '0.999 * CAP * tanh'],
    ['top_experts', 'other < e', 'other > e'],
  ]) {
    it(
      `finds a faulty ${kernel}`,
      withDevice(async (device) => {
        const restore = breakKernel(device, kernel, right, fault);
        const error = await failure(checkKernels(device, new PipelineCache(device), ['F32'], {experts: true}));
        restore();
        expect(error).to.be.instanceOf(GemmaError).with.property('code', 'shader-invalid');
        expect((error as GemmaError).detail).to.deep.equal({kernel});
      }),
    );
  }
});

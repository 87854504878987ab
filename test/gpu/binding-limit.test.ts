// A tensor larger than WebGPU's guaranteed binding of 128 MiB, on a device that grants no more: the embedding, which is
// also the head, is cut into slices of rows, read a row a token and multiplied whole. Never in memory at once here.
import {expect} from 'chai';
import {ggufHeader} from '../../scripts/model-files/gguf-writer.ts';
import {fill, modelMetadata, planTensors, SHAPES} from '../../scripts/model-files/model.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import {tensorBytes} from '../../src/gguf/ggml-types.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {expectLogits} from '../helpers/engine.ts';
import {withDevice} from '../helpers/gpu.ts';
import {ReferenceModel} from '../reference/forward.ts';

const BINDING = 2 ** 27;
// 131,072 rows of 256 f32 fill a binding; the rest is a second slice.
const ROWS_A_BINDING = BINDING / 1024;
const VOCAB = ROWS_A_BINDING + 777;
// Rows repeat after a prime number of them, so that no slice begins where another did.
const TILE_ROWS = 1021;

const shape = {
  ...SHAPES.tiny,
  vocabSize: VOCAB,
  layers: 'SF',
  sharedKvLayers: 0,
  nFf: 256,
  nEmbdPerLayer: 0,
  contextLength: 64,
};

/** The file's bytes as they are asked for: small parts as they are, the embedding as a tile of rows over and over. */
function bigSource(): ByteSource {
  const plans = planTensors(shape, 'F32');
  const entries = plans.map((plan) => ({...plan, byteLength: tensorBytes(plan.type, plan.shape)}));
  const parts: {start: number; byteLength: number; tile: Uint8Array}[] = [];
  let size = 0;
  const add = (tile: Uint8Array, byteLength = tile.length) => {
    parts.push({start: size, byteLength, tile});
    size = Math.ceil((size + byteLength) / 32) * 32;
  };
  add(ggufHeader({metadata: modelMetadata(shape, 'F32', 'big', 1), tensors: entries}));
  for (const entry of entries) {
    const big = entry.name === 'token_embd.weight';
    add(fill(big ? {...entry, shape: [shape.nEmbd, TILE_ROWS]} : entry, 1).data, entry.byteLength);
  }
  const bytesAt = (offset: number, length: number): Uint8Array => {
    const out = new Uint8Array(length);
    for (const {start, byteLength, tile} of parts) {
      const end = Math.min(start + byteLength, offset + length);
      for (let at = Math.max(start, offset); at < end; ) {
        const from = (at - start) % tile.length;
        const n = Math.min(tile.length - from, end - at);
        out.set(tile.subarray(from, from + n), at - offset);
        at += n;
      }
    }
    return out;
  };
  return {
    name: 'big',
    size,
    read: async (offset, length) => bytesAt(offset, length),
    async *stream(offset, length) {
      for (let at = offset; at < offset + length; at += 2 ** 22)
        yield bytesAt(at, Math.min(2 ** 22, offset + length - at));
    },
  };
}

describe('a tensor above the guaranteed binding size', function () {
  this.timeout(120_000); // 134 MB through a software adapter

  it(
    'gives the logits of the float64 judge, on both sides of the cut',
    withDevice(async (device) => {
      expect(device.limits.maxStorageBufferBindingSize).to.equal(BINDING);
      const source = bigSource();
      const file = await readGguf(source);
      expect(file.tensors.get('token_embd.weight')!.byteLength).to.be.greaterThan(BINDING);
      // The first and last rows of both slices.
      const tokens = [5, ROWS_A_BINDING - 1, ROWS_A_BINDING, VOCAB - 1];
      const engine = await loadEngine(source, file, device, {contextLength: 8, chunkSize: 4, maxSequences: 1});
      try {
        const [[logits]] = await engine.step([{sequence: engine.createSequence(), tokens, logits: 'last'}]);
        const reference = await ReferenceModel.load(source, file);
        const [expected] = reference.logits(tokens, {from: tokens.length - 1});
        expect(logits.length).to.equal(VOCAB);
        expectLogits([logits], [expected], 2e-4);
        // The few rows behind the cut weigh little in the whole: judged on their own too.
        expectLogits([logits.subarray(ROWS_A_BINDING)], [expected.subarray(ROWS_A_BINDING)], 2e-4);
      } finally {
        engine.destroy();
      }
    }),
  );
});

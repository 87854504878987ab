// A file that holds vision and audio towers beside the text model, as Ollama's blobs do: it runs as text, and what the
// towers take is never asked for.
import {expect} from 'chai';
import {type WritableTensor, writeGguf} from '../../scripts/model-files/gguf-writer.ts';
import {fill, modelMetadata, planTensors} from '../../scripts/model-files/model.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import type {ByteSource} from '../../src/gguf/byte-source.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {expectSameLogits, feed, SMALL, TOKENS, testModel} from '../helpers/engine.ts';
import {pipelinesOf, withDevice} from '../helpers/gpu.ts';

const TOWER_BYTES = 2 ** 18;

/** Tower tensors of 256 KiB each: before, within and behind those of the text model, in types no text tensor has. */
function withTowers(): Uint8Array<ArrayBuffer> {
  const tower = (name: string, type: WritableTensor['type'], shape: readonly number[]): WritableTensor => ({
    name,
    type,
    shape,
    data: new Uint8Array(TOWER_BYTES).fill(0xab), // no number a model could work with
  });
  const text = planTensors(SMALL, 'Q8_0').map((plan) => fill(plan, 1));
  const middle = text.length >> 1;
  return new Uint8Array(
    writeGguf({
      metadata: {
        ...modelMetadata(SMALL, 'Q8_0', 'towers', 1),
        'gemma4.vision.block_count': 16,
        'gemma4.vision.embedding_length': 768,
        'gemma4.audio.block_count': 12,
        'gemma4.audio.embedding_length': 1024,
      },
      tensors: [
        tower('v.patch_embd.weight', 'F16', [16, 16, 2, 256]),
        tower('v.blk.0.attn_q.weight', 'F16', [256, 512]),
        ...text.slice(0, middle),
        tower('a.blk.0.conv_dw.weight', 'I32', [65536]),
        ...text.slice(middle),
        tower('mm.input_projection.weight', 'BF16', [512, 256]),
      ],
    }),
  );
}

/** The bytes, and every range that was asked for. */
function watched(bytes: Uint8Array<ArrayBuffer>): {source: ByteSource; ranges: [number, number][]} {
  const inner = memorySource(bytes);
  const ranges: [number, number][] = [];
  const note = (offset: number, length: number) => void ranges.push([offset, offset + length]);
  const source: ByteSource = {
    ...inner,
    name: inner.name,
    size: inner.size,
    read: (offset, length, signal) => {
      note(offset, length);
      return inner.read(offset, length, signal);
    },
    stream: (offset, length, signal) => {
      note(offset, length);
      return inner.stream(offset, length, signal);
    },
  };
  return {source, ranges};
}

describe('a file with vision and audio towers', function () {
  this.timeout(60_000); // software adapters

  it(
    'gives the same bits as the text model alone, and no byte of a tower is read',
    withDevice(async (device) => {
      const tokens = TOKENS.slice(0, 12);
      const logitsOf = async (source: ByteSource): Promise<Float32Array[]> => {
        const engine = await loadEngine(source, await readGguf(source), device, {
          contextLength: 32,
          maxSequences: 1,
          pipelines: pipelinesOf(device),
        });
        try {
          return await feed(engine, engine.createSequence(), tokens, [12]);
        } finally {
          engine.destroy();
        }
      };
      const {source, ranges} = watched(withTowers());
      const logits = await logitsOf(source);
      expectSameLogits(logits, await logitsOf((await testModel({type: 'Q8_0'})).source));

      const file = await readGguf(memorySource(withTowers()));
      const towers = [...file.tensors.values()].filter(({name}) => /^(v|a|mm)\./.test(name));
      expect(towers.length).to.equal(4);
      // The header is read in growing ranges and may run into the first of them by less than it needs itself.
      const first = Math.min(...[...file.tensors.values()].map(({offset}) => offset));
      for (const {name, offset, byteLength} of towers) {
        const read = ranges.filter(([from, to]) => from >= first && from < offset + byteLength && to > offset);
        expect(read, name).to.deep.equal([]);
      }
      const fetched = ranges.filter(([from]) => from >= first).reduce((sum, [from, to]) => sum + to - from, 0);
      // rope_freqs is read twice: for a table made on the host, and among its neighbours.
      const twice = file.tensors.get('rope_freqs.weight')!.byteLength;
      expect(fetched).to.be.at.most(file.size - first - 4 * TOWER_BYTES + twice);
    }),
  );
});

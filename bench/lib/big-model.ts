// Writes model files of published sizes with random weights, gigabytes without holding them: a tensor's noise is one
// tile of rows, repeated. Good for timing, useless for judging logits. Node only.
import {closeSync, openSync, writeSync} from 'node:fs';
import {tensorBytes} from '../../src/gguf/ggml-types.ts';
import {fill, modelMetadata, planTensors, type WeightType} from '../../test/fixtures/gemma4-model.ts';
import {GEMMA4_SHAPES, type Gemma4Shape} from '../../test/fixtures/gemma4-shapes.ts';
import {ggufHeader} from '../../test/fixtures/gguf-writer.ts';

const ALIGNMENT = 32;
const TILE_VALUES = 2 ** 20;

const gemma3Like = {
  ...GEMMA4_SHAPES.tiny,
  vocabSize: 262144,
  sharedKvLayers: 0,
  nHead: 4,
  nHeadKv: {sliding: 1, full: 1},
  headDim: {sliding: 256, full: 256},
  nEmbdPerLayer: 0,
  slidingWindow: 512,
  contextLength: 32768,
};

/** The sizes of published models. 270M and 1B have Gemma 3's sizes in Gemma 4's architecture. */
export const BIG_SHAPES = {
  '270m': {...gemma3Like, nEmbd: 640, layers: 'SSSSSF'.repeat(3), nFf: 2048},
  '1b': {...gemma3Like, nEmbd: 1152, layers: `${'SSSSSF'.repeat(4)}SF`, nFf: 6912},
  e2b: {
    ...gemma3Like,
    nEmbd: 1536,
    layers: 'SSSSF'.repeat(7),
    sharedKvLayers: 20,
    nHead: 8,
    headDim: {sliding: 256, full: 512},
    nFf: Array.from({length: 35}, (_, i) => (i < 15 ? 6144 : 12288)),
    nEmbdPerLayer: 256,
    contextLength: 131072,
  },
} satisfies Record<string, Gemma4Shape>;

export type BigShape = keyof typeof BIG_SHAPES;

/** Writes the file and returns its size in bytes. */
export function writeBigModel(file: string, name: BigShape, type: WeightType, seed = 1): number {
  const shape = BIG_SHAPES[name];
  const plans = planTensors(shape, type);
  const descriptor = openSync(file, 'w');
  let size = 0;
  const write = (bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    size += bytes.length;
  };
  write(
    ggufHeader({
      metadata: modelMetadata(shape, type, name, seed),
      tensors: plans.map((plan) => ({...plan, byteLength: tensorBytes(plan.type, plan.shape)})),
    }),
  );
  for (const plan of plans) {
    write(new Uint8Array((ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT));
    const [nIn, nOut = 1] = plan.shape;
    const rows = Math.min(nOut, Math.max(1, Math.floor(TILE_VALUES / nIn)));
    const tile = fill(plan.shape.length === 1 ? plan : {...plan, shape: [nIn, rows]}, seed).data;
    const rowBytes = tile.length / rows;
    for (let done = 0; done < nOut; done += rows) write(tile.subarray(0, Math.min(rows, nOut - done) * rowBytes));
  }
  write(new Uint8Array((ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT));
  closeSync(descriptor);
  return size;
}

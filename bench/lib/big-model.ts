// Writes model files of published sizes with random weights, gigabytes without holding them: a tensor's noise is one
// tile of rows, repeated, and tensors of equal rows share it. Good for timing, useless for judging logits. Node only.
import {closeSync, openSync, writeSync} from 'node:fs';
import {GEMMA4_PUBLISHED} from '../../scripts/model-files/gemma4-published.ts';
import {GEMMA4_SHAPES, type Gemma4Shape} from '../../scripts/model-files/gemma4-shapes.ts';
import {ggufHeader} from '../../scripts/model-files/gguf-writer.ts';
import {
  fill,
  modelMetadata,
  planTensors,
  type Shape,
  type TensorPlan,
  type WeightType,
} from '../../scripts/model-files/model.ts';
import {tensorBytes} from '../../src/gguf/ggml-types.ts';

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
  ...GEMMA4_PUBLISHED,
} satisfies Record<string, Gemma4Shape>;

export type BigShape = keyof typeof BIG_SHAPES;

/** `Q4_K_M`: Q4_K, and Q6_K for the embeddings and for half of `attn_v` and `ffn_down`. */
export type BigType = WeightType | 'Q4_K_M';

/** The planned tensors with the types of a `Q4_K_M`, from those of a `Q4_K`; of another type as they are. */
export function typedLikePublished(plans: readonly TensorPlan[], type: BigType): readonly TensorPlan[] {
  if (type !== 'Q4_K_M') return plans;
  return plans.map((each) => {
    const precise = /token_embd|\.\d*[02468]\.(attn_v|ffn_down)\./.test(each.name);
    return precise && each.type === 'Q4_K' ? {...each, type: 'Q6_K'} : each;
  });
}

function plan(shape: Shape, type: BigType): readonly TensorPlan[] {
  return typedLikePublished(planTensors(shape, type === 'Q4_K_M' ? 'Q4_K' : type), type);
}

/** Bytes of the weights of such a file. */
export function bigModelBytes(shape: Gemma4Shape, type: BigType): number {
  return plan(shape, type).reduce((sum, each) => sum + tensorBytes(each.type, each.shape), 0);
}

/** Writes the file and returns its size in bytes. */
export function writeBigModel(file: string, name: BigShape | Shape, type: BigType, seed = 1): number {
  const shape: Shape = typeof name === 'string' ? BIG_SHAPES[name] : name;
  const plans = plan(shape, type);
  const descriptor = openSync(file, 'w');
  let size = 0;
  const write = (bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    size += bytes.length;
  };
  const metadata = modelMetadata(
    shape,
    type === 'Q4_K_M' ? 'mixed' : type,
    typeof name === 'string' ? name : 'custom',
    seed,
  );
  write(
    ggufHeader({
      metadata,
      tensors: plans.map((each) => ({...each, byteLength: tensorBytes(each.type, each.shape)})),
    }),
  );
  const tiles = new Map<string, Uint8Array>();
  const tileOf = (each: TensorPlan, rows: number): Uint8Array => {
    const key = [each.type, each.shape[0], rows, each.deviation].join(' ');
    const tile = tiles.get(key) ?? fill({...each, shape: [each.shape[0], rows]}, seed).data;
    tiles.set(key, tile);
    return tile;
  };
  for (const each of plans) {
    write(new Uint8Array((ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT));
    const nIn = each.shape[0];
    const nOut = each.shape.slice(1).reduce((product, extent) => product * extent, 1);
    if (each.shape.length === 1) {
      write(fill(each, seed).data);
      continue;
    }
    const rows = Math.min(nOut, Math.max(1, Math.floor(TILE_VALUES / nIn)));
    const tile = tileOf(each, rows);
    const rowBytes = tile.length / rows;
    for (let done = 0; done < nOut; done += rows) write(tile.subarray(0, Math.min(rows, nOut - done) * rowBytes));
  }
  write(new Uint8Array((ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT));
  closeSync(descriptor);
  return size;
}

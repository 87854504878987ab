// Headers of model files with something wrong in them, by number: the same number gives the same bytes. Half are damaged
// bytes, half well-formed files that claim what no model has. Knows no reader.

import {ggufHeader, type TensorEntry, type WritableValue} from '../../scripts/model-files/gguf-writer.ts';
import {modelMetadata, planTensors} from '../../scripts/model-files/model.ts';
import {type Random, seededRandom} from '../../scripts/model-files/random.ts';
import {SHAPES, type ShapeName} from '../../scripts/model-files/shapes.ts';
import {ggmlType} from '../../src/gguf/ggml-types.ts';

export interface HostileHeader {
  /** What was done to which file. */
  title: string;
  bytes: Uint8Array;
  /** The file's size as a server would claim it; what follows the header is zeros. */
  size: number;
}

interface Parts {
  metadata: Record<string, WritableValue>;
  tensors: TensorEntry[];
}

/** One of each architecture, and the structures that only some files have. */
const FILES: readonly ShapeName[] = ['tiny', 'moe', 'gemma3n', 'gemma3', 'gemma2', 'gemma'];
const DATA_BYTES = 2 ** 30;

/** Numbers on the edges of what fits: of signs, of i32, u32, 2^53, of what is allocated for a count. */
const NUMBERS = [-1, 0, 1, 2, 3, 255, 256, 257, 1025, 2 ** 16, 2 ** 20 + 1, 2 ** 26, 2 ** 31 - 1, 2 ** 32 - 1];

const pick = <T>(random: Random, from: readonly T[]): T => from[random.u32() % from.length];

/** A value that no model has under that key, or that one has under another. */
function hostileValue(random: Random, old: WritableValue): WritableValue {
  switch (random.u32() % 12) {
    case 0:
      return {type: 'i32', value: pick(random, [-1, -(2 ** 31), 2 ** 31 - 1])};
    case 1:
      return {type: 'i64', value: BigInt(pick(random, [-(2 ** 53 - 1), 2 ** 53 - 1, -(2 ** 40)]))};
    case 2:
      return {type: 'u64', value: pick(random, [2n ** 64n - 1n, 2n ** 53n, 2n ** 32n])};
    case 3:
      return {type: 'f32', value: pick(random, [Number.NaN, Number.POSITIVE_INFINITY, -0, 1e-40, 3e38, 0.5])};
    case 4:
      return {type: 'u32', value: pick(random, NUMBERS.slice(1))};
    case 5:
      return Int32Array.from({length: random.u32() % 2000}, () => random.u32() | 0);
    case 6:
      return Float32Array.from({length: pick(random, [0, 1, 8, 768])}, () => pick(random, [Number.NaN, 1, -1e30]));
    case 7:
      return '{%'.repeat(random.u32() % 300) + ' '.repeat(random.u32() % 3000);
    case 8:
      return Array.from({length: pick(random, [0, 1, 768, 5000])}, (_, i) => (i % 3 ? '<eos>' : 'a'.repeat(i % 50)));
    case 9:
      return random.u32() % 2 === 0;
    case 10:
      return typeof old === 'string' ? old.slice(0, random.u32() % (old.length + 1)) : 'gemma4';
    default:
      return shuffled(random, old);
  }
}

/** A list with entries exchanged, doubled, or cut. */
function shuffled(random: Random, old: WritableValue): WritableValue {
  if (!Array.isArray(old) && !(old instanceof Int32Array) && !(old instanceof Float32Array)) return old;
  const list = [...(old as Iterable<unknown>)];
  for (let n = random.u32() % 20; n > 0 && list.length > 1; n--) {
    const [a, b] = [random.u32() % list.length, random.u32() % list.length];
    if (n % 3 === 0) list[a] = list[b];
    else [list[a], list[b]] = [list[b], list[a]];
  }
  if (random.u32() % 4 === 0) list.length = random.u32() % (list.length + 1);
  if (Array.isArray(old)) return list as string[];
  return old instanceof Int32Array ? Int32Array.from(list as number[]) : Float32Array.from(list as number[]);
}

function changeMetadata({metadata}: Parts, random: Random): string {
  const key = pick(random, Object.keys(metadata));
  const kind = random.u32() % 6;
  if (kind === 0) delete metadata[key];
  else metadata[key] = hostileValue(random, metadata[key]);
  return `${kind === 0 ? 'without' : 'changed'} ${key}`;
}

/** Keys that this file does not have, and that a reader looks for. */
function addMetadata({metadata}: Parts, random: Random): string {
  const architecture = String(metadata['general.architecture']);
  const key = pick(random, [
    `${architecture}.attention.shared_kv_layers`,
    `${architecture}.attention.key_length`,
    `${architecture}.attention.key_length_swa`,
    `${architecture}.attention.sliding_window_pattern`,
    `${architecture}.attention.sliding_window`,
    `${architecture}.attention.head_count_kv`,
    `${architecture}.expert_count`,
    `${architecture}.expert_used_count`,
    `${architecture}.rope.scaling.factor`,
    `${architecture}.final_logit_softcapping`,
    `${architecture}.activation_sparsity_scale`,
    'general.alignment',
    'split.count',
    'tokenizer.ggml.suppress_tokens',
    'tokenizer.ggml.eos_token_ids',
    'tokenizer.chat_template',
  ]);
  metadata[key] = hostileValue(random, 0);
  return `added ${key}`;
}

function changeTensor({tensors}: Parts, random: Random): string {
  const at = random.u32() % tensors.length;
  const tensor = tensors[at];
  switch (random.u32() % 4) {
    case 0:
      tensors.splice(at, 1);
      return `without ${tensor.name}`;
    case 1:
      tensors[at] = {
        ...tensor,
        shape: tensor.shape.map((n) => (random.u32() % 2 ? n : pick(random, NUMBERS.slice(1)))),
      };
      return `shape of ${tensor.name}`;
    case 2:
      tensors[at] = {...tensor, type: pick(random, ['F32', 'F16', 'Q4_K', 'Q8_0', 'IQ1_S', 'I32'] as const)};
      return `type of ${tensor.name}`;
    default:
      tensors[at] = {...tensor, name: pick(random, tensors).name};
      return `name of ${tensor.name}`;
  }
}

function changeBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = () => random.u32() % bytes.length;
  switch (random.u32() % 5) {
    case 0:
      for (let n = 1 + (random.u32() % 8); n > 0; n--) bytes[at()] ^= 1 << (random.u32() % 8);
      return bytes;
    case 1:
      for (let n = 1 + (random.u32() % 32); n > 0; n--) bytes[at()] = random.u32();
      return bytes;
    case 2: {
      const count = pick(random, [0n, 2n ** 16n, 2n ** 26n, 2n ** 32n - 1n, 2n ** 53n - 1n, 2n ** 64n - 1n]);
      new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(4 + (random.u32() % (bytes.length - 12)), count, true);
      return bytes;
    }
    case 3:
      return bytes.slice(0, at());
    default: {
      const [to, from] = [at(), at()];
      const piece = bytes.slice(from, from + 1 + (random.u32() % 200));
      return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]);
    }
  }
}

const originals = new Map<ShapeName, Parts>();

/** A file's header in parts; `number` 0 and up. */
export function originalHeader(file: ShapeName): Parts {
  let parts = originals.get(file);
  if (!parts) {
    const shape = SHAPES[file];
    const tensors = planTensors(shape, 'Q8_0').map(({name, type, shape: extents}) => {
      const {blockSize, blockBytes} = ggmlType(type);
      const count = extents.reduce((product, extent) => product * extent, 1);
      return {name, type, shape: extents, byteLength: (count / blockSize) * blockBytes};
    });
    parts = {metadata: modelMetadata(shape, 'Q8_0', file, 1), tensors};
    originals.set(file, parts);
  }
  return {metadata: {...parts.metadata}, tensors: [...parts.tensors]};
}

export const ORIGINALS: readonly HostileHeader[] = FILES.map((file) =>
  finish(`${file}, unchanged`, originalHeader(file)),
);

function finish(title: string, parts: Parts): HostileHeader {
  const bytes = ggufHeader(parts);
  return {title, bytes, size: bytes.length + DATA_BYTES};
}

export function hostileHeader(number: number): HostileHeader {
  const random = seededRandom(number);
  const file = FILES[number % FILES.length];
  const parts = originalHeader(file);
  const changes: string[] = [];
  if (random.u32() % 3 === 0) {
    const {bytes, size} = finish(file, parts);
    return {title: `${file}: bytes`, bytes: changeBytes(bytes, random), size};
  }
  for (let n = 1 + (random.u32() % 3); n > 0; n--) {
    changes.push(
      pick(random, [changeMetadata, changeMetadata, changeMetadata, addMetadata, changeTensor])(parts, random),
    );
  }
  return finish(`${file}: ${changes.join(', ')}`, parts);
}

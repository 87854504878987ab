// An adapter as a GGUF file, as llama.cpp's convert_lora_to_gguf.py writes it and src/llama-adapter.cpp reads it. F32: nothing of what
// was learned is rounded.
import {bytesOf, type WritableAdapter} from './factors.ts';

const ALIGNMENT = 32;
/** Ids of GGUF's value types, and of ggml's F32. */
const U32 = 4;
const F32 = 6;
const STRING = 8;
const TENSOR_F32 = 0;

/** The file in pieces: its header, then the factors themselves, uncopied. */
export function ggufAdapter({name, architecture, base, alpha, factors}: WritableAdapter): Uint8Array<ArrayBuffer>[] {
  const halves = factors.flatMap(({tensor, rank, a, b}) => [
    {name: `${tensor}.lora_a`, values: a, shape: shapeOf(tensor, rank, a.length / rank)},
    {name: `${tensor}.lora_b`, values: b, shape: [rank, b.length / rank]},
  ]);
  const metadata: [string, number, string | number][] = [
    ['general.architecture', STRING, architecture],
    ['general.type', STRING, 'adapter'],
    ['general.name', STRING, name],
    ['general.base_model.count', U32, 1],
    ['general.base_model.0.name', STRING, base],
    ['general.file_type', U32, 0],
    ['adapter.type', STRING, 'lora'],
    ['adapter.lora.alpha', F32, alpha],
  ];
  const header = new Writer();
  header.bytes(new TextEncoder().encode('GGUF'));
  header.u32(3);
  header.u64(halves.length);
  header.u64(metadata.length);
  for (const [key, type, value] of metadata) {
    header.string(key);
    header.u32(type);
    if (typeof value === 'string') header.string(value);
    else if (type === F32) header.f32(value);
    else header.u32(value);
  }
  let offset = 0;
  for (const half of halves) {
    header.string(half.name);
    header.u32(half.shape.length);
    for (const extent of half.shape) header.u64(extent);
    header.u32(TENSOR_F32);
    header.u64(offset);
    offset += padded(half.values.byteLength);
  }
  header.bytes(new Uint8Array(padded(header.length) - header.length));
  const data = halves.flatMap(({values}) => [
    bytesOf(values),
    new Uint8Array(padded(values.byteLength) - values.byteLength),
  ]);
  return [header.finish(), ...data];
}

/** GGUF's `ne`, fastest dimension first. Of the embedding table each token has a row of `rank` values. */
const shapeOf = (tensor: string, rank: number, n: number): number[] =>
  tensor === 'token_embd.weight' ? [rank, n] : [n, rank];

const padded = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

class Writer {
  #pieces: Uint8Array[] = [];
  length = 0;

  bytes(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.length += bytes.length;
  }

  u32(value: number): void {
    this.#number(4, (view) => view.setUint32(0, value, true));
  }

  u64(value: number): void {
    this.#number(8, (view) => view.setBigUint64(0, BigInt(value), true));
  }

  f32(value: number): void {
    this.#number(4, (view) => view.setFloat32(0, value, true));
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.length);
    this.bytes(bytes);
  }

  finish(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  #number(bytes: number, set: (view: DataView) => void): void {
    const view = new DataView(new ArrayBuffer(bytes));
    set(view);
    this.bytes(new Uint8Array(view.buffer));
  }
}

// Adapter files for tests, as llama.cpp's converter and PEFT write them.

import {writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import type {GgmlTypeName} from '../../../src/gguf/ggml-types.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';

export const bytesOf = (values: ArrayLike<number>): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

export interface Half {
  name: string;
  /** GGUF's `ne`. */
  shape: number[];
  values: ArrayLike<number>;
  type?: GgmlTypeName;
  data?: Uint8Array;
}

export const ggufAdapter = (
  halves: readonly Half[],
  metadata: Record<string, string | number | Uint32Array> = {},
): ReturnType<typeof memorySource> =>
  memorySource(
    writeGguf({
      metadata: {
        'general.type': 'adapter',
        'general.architecture': 'gemma3',
        'adapter.type': 'lora',
        'adapter.lora.alpha': {type: 'f32', value: 32},
        ...metadata,
      },
      tensors: halves.map(({name, shape, values, type = 'F32', data}) => ({
        name,
        shape,
        type,
        data: data ?? bytesOf(values),
      })),
    }),
    'adapter.gguf',
  );

/** A safetensors file of F32 tensors, shapes as in PyTorch. */
export function safetensors(
  tensors: readonly {name: string; shape: number[]; values: ArrayLike<number>}[],
): Uint8Array {
  const header: Record<string, unknown> = {__metadata__: {format: 'pt'}};
  let at = 0;
  for (const {name, shape, values} of tensors) {
    header[name] = {dtype: 'F32', shape, data_offsets: [at, at + 4 * values.length]};
    at += 4 * values.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  let position = 8 + text.length;
  for (const {values} of tensors) {
    file.set(bytesOf(values), position);
    position += 4 * values.length;
  }
  return file;
}

export const json = (value: unknown, name = 'adapter_config.json') =>
  memorySource(new TextEncoder().encode(JSON.stringify(value)), name);

// The F32 twin of a GGUF: the same metadata and tensors, every weight dequantized by ggml itself. What llama.cpp makes
// of it is free of the activation rounding that its kernels for quantized weights do.

import {writeGguf} from '../../scripts/model-files/gguf-writer.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {dequantize} from './llama.mjs';

/** bytes of a GGUF → bytes of its twin. */
export async function f32Twin(bytes) {
  const source = memorySource(bytes);
  const file = await readGguf(source);
  const tensors = [...file.tensors.values()].map(({name, type, shape, offset, byteLength}) => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const values = dequantize(type, bytes.subarray(offset, offset + byteLength), count);
    return {name, type: 'F32', shape, data: new Uint8Array(values.buffer)};
  });
  const metadata = Object.fromEntries([...file.metadata.keys()].map((key) => [key, file.metadata.raw(key)]));
  return writeGguf({metadata: {...metadata, 'general.file_type': 0}, tensors});
}

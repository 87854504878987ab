// Hugging Face transformers, the reference implementation of these architectures, as a judge: float32, eager attention,
// the file's own weights dequantized by Python's `gguf`. The mapping is python/gguf_model.py.
import {readFileSync, rmSync} from 'node:fs';
import {withFile} from './files.mjs';
import {openPython} from './python.mjs';

export async function openTransformers() {
  const python = await openPython();
  return {
    name: 'transformers',
    description: 'transformers 5.24.0, torch 2.13.0 on the CPU, float32, eager attention',
    /** f32[positions][vocabSize] of a whole GGUF. */
    logits: (bytes, tokens) =>
      withFile(bytes, async (model) => {
        const out = `${model}.f32`;
        const {shape} = await python.ask({do: 'logits', model, tokens, out});
        const [count, width] = shape;
        const data = readFileSync(out);
        rmSync(out);
        if (count !== tokens.length || data.length !== 4 * count * width) throw new Error(`transformers gave ${shape}`);
        const values = new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
        return Array.from({length: count}, (_, i) => values.subarray(i * width, (i + 1) * width));
      }),
    ask: python.ask,
    close: python.close,
  };
}

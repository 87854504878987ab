// llama.cpp as a judge: the F32 twin of a file, f32 keys and values, no flash attention.
import {withFile} from './files.mjs';
import {LLAMA_VERSION, LlamaModel} from './llama.mjs';
import {f32Twin} from './twin.mjs';

export const llamaJudge = {
  name: 'llama',
  description: `${LLAMA_VERSION}, on the CPU, f32 keys and values, no flash attention`,
  /** f32[positions][vocabSize] of a whole GGUF. */
  logits: async (bytes, tokens) => withFile(await f32Twin(bytes), (twin) => twinLogits(twin, tokens)),
};

function twinLogits(file, tokens) {
  const model = new LlamaModel(file);
  const context = model.context({size: 2 ** Math.ceil(Math.log2(tokens.length + 1))});
  const logits = context.decode(tokens);
  context.free();
  model.free();
  return logits;
}

// `npm run conformance -- --lora`: a GGUF adapter over F32 models of each architecture, in the engine and in llama.cpp
// (llama_adapter_lora_init). Adapters change the seven projections of every layer that has them. The embedding table's is
// the float64 reference's business: llama.cpp would apply it to the tied head too.

import {noise} from '../../scripts/lib/noise.ts';
import {writeGguf} from '../../scripts/model-files/gguf-writer.ts';
import {generateModel} from '../../scripts/model-files/model.ts';
import {readGgufAdapter} from '../../src/adapters/gguf-adapter.ts';
import {ALL_FUSIONS} from '../../src/engine/graph/fused.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {forcedTokens} from '../helpers/forced-tokens.ts';
import {openDawn} from './engines.mjs';
import {withFile} from './files.mjs';
import {TOLERANCE} from './judge.mjs';
import {LLAMA_VERSION, LlamaModel} from './llama.mjs';

const SHAPES = ['tiny', 'keys-as-values', 'gemma3', 'gemma3n', 'gemma2', 'gemma'];
const PROJECTION = /^blk\.\d+\.(attn_(q|k|v|output)|ffn_(gate|up|down))\.weight$/;
const RANK = 4;
const ALPHA = 6;
const SCALE = 0.5;

/** Prints a line a shape; the exit code. */
export async function judgeLora() {
  const dawn = await openDawn();
  console.log(`${dawn.description}\n${LLAMA_VERSION}\n`);
  let misses = 0;
  for (const shape of SHAPES) {
    const model = generateModel({shape, type: 'F32'});
    const source = memorySource(model);
    const file = await readGguf(source);
    const adapter = adapterFor(file);
    const tokens = forcedTokens(file.tensors.get('token_embd.weight').shape[1], 48);
    const [base, expected] = await withFile(model, (path) => llamaLogits(path, adapter, tokens));
    const found = await engineLogits(dawn.device, {source, file}, adapter, tokens);
    const error = relative(found, expected);
    const effect = relative(expected, base);
    // An adapter that does too little would prove nothing.
    const good = error <= TOLERANCE.llama && effect >= 30 * TOLERANCE.llama;
    if (!good) misses++;
    console.log(
      `${good ? ' ' : '✗'} ${shape.padEnd(16)} relative rms ${error.toExponential(1)}; the adapter's effect ${effect.toExponential(1)}`,
    );
  }
  await dawn.close();
  return misses === 0 ? 0 : 1;
}

/** As convert_lora_to_gguf.py writes it. */
function adapterFor(file) {
  const tensors = [...file.tensors.values()]
    .filter(({name}) => PROJECTION.test(name))
    .flatMap(({name, shape: [nIn, nOut]}, i) => {
      const half = (suffix, shape, count, seed, size) => ({
        name: `${name}.lora_${suffix}`,
        type: 'F32',
        shape,
        data: new Uint8Array(noise(count, seed).map((value) => size * value).buffer),
      });
      return [
        half('a', [nIn, RANK], RANK * nIn, 2 * i + 1, 1 / Math.sqrt(nIn)),
        half('b', [RANK, nOut], RANK * nOut, 2 * i + 2, 0.5),
      ];
    });
  const metadata = {
    'general.type': 'adapter',
    'general.architecture': file.metadata.string('general.architecture'),
    'adapter.type': 'lora',
    'adapter.lora.alpha': {type: 'f32', value: ALPHA},
  };
  return writeGguf({metadata, tensors});
}

function llamaLogits(path, adapter, tokens) {
  return withFile(adapter, (adapterPath) => {
    const model = new LlamaModel(path);
    const runs = [null, {path: adapterPath, scale: SCALE}].map((lora) => {
      const context = model.context({size: 64, lora});
      const logits = context.decode(tokens);
      context.free();
      return logits;
    });
    model.free();
    return runs;
  });
}

async function engineLogits(device, {source, file}, bytes, tokens) {
  const variants = {attention: true, products: true, outputTail: true, fusions: ALL_FUSIONS};
  const engine = await loadEngine(source, file, device, {contextLength: 64, maxSequences: 2, variants});
  try {
    const base = {architecture: file.metadata.string('general.architecture'), tensors: file.tensors};
    const {terms} = await readGgufAdapter(memorySource(bytes, 'adapter.gguf'), base);
    const adapter = await engine.loadAdapter([...terms.values()]);
    const sequence = engine.createSequence([], [{adapter, scale: SCALE}]);
    const rows = [];
    for (const [from, to] of [[0, 1], [1, 34], ...tokens.slice(34).map((_, i) => [34 + i, 35 + i])]) {
      const [logits] = await engine.step([{sequence, tokens: tokens.slice(from, to), logits: 'all'}]);
      rows.push(...logits);
    }
    return rows;
  } finally {
    engine.destroy();
  }
}

function relative(found, expected) {
  let [error, total] = [0, 0];
  expected.forEach((row, p) => {
    row.forEach((value, id) => {
      if (!Number.isFinite(found[p][id]) || !Number.isFinite(value)) return;
      error += (found[p][id] - value) ** 2;
      total += value ** 2;
    });
  });
  return Math.sqrt(error / total);
}

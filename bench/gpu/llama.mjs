// llama.cpp on the same GPU and the same generated files: prefill and decode at the bench's lengths, with flash attention
// and without, through the C interface of a prebuilt Vulkan, CUDA or CPU build. Nothing is compiled. Knows nothing of
// our engine but the list of models and lengths that the bundle prints.
//
//   node llama.mjs --libraries DIR --bundle bundle.mjs --out DIR --scratch DIR [--seconds N] [--commit ID]
//     [--models A,B] [--file MODEL.gguf] [--koffi PATH] [--keep] [--dry]
//
// DIR holds libggml*.so, libllama*.so and (unless --koffi says where) node_modules/koffi. Layouts are those of the llama.h
// that the pinned packages of test/conformance ship.
import {execFileSync} from 'node:child_process';
import {existsSync, readdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {availableParallelism} from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {defineLlamaStructs} from '../../scripts/lib/llama-structs.mjs';

const {values: options} = parseArgs({
  options: {
    libraries: {type: 'string'},
    bundle: {type: 'string'},
    out: {type: 'string', default: '.'},
    scratch: {type: 'string', default: '/tmp'},
    seconds: {type: 'string', default: '300'},
    commit: {type: 'string', default: 'unknown'},
    models: {type: 'string'},
    file: {type: 'string'},
    koffi: {type: 'string'},
    keep: {type: 'boolean', default: false},
    dry: {type: 'boolean', default: false},
  },
});
const until = performance.now() + 1000 * Number(options.seconds);
const left = () => (until - performance.now()) / 1000;

const require = createRequire(path.join(path.resolve(options.libraries), 'x.js'));
const koffi = require(options.koffi ? path.resolve(options.koffi) : 'koffi');

/** `libllama.vulkan.v0.5.0.so`, `libllama.v0.5.0.so`: the names carry build and version. */
function library(pattern) {
  const name = readdirSync(options.libraries).find((each) => pattern.test(each));
  if (!name) throw new Error(`${options.libraries} has no ${pattern}`);
  return {name, functions: koffi.load(path.resolve(options.libraries, name))};
}
const ggmlBase = library(/^libggml-base\.so$/).functions;
const {functions: ggml} = library(/^libggml(\.\w+)?\.v[\d.]+\.so$/);
const {functions: llama, name: build} = library(/^libllama(\.\w+)?\.v[\d.]+\.so$/);

defineLlamaStructs(koffi);
koffi.proto('void LogCallback(int level, const char *text, void *user)');

const c = {
  loadBackends: ggml.func('void ggml_backend_load_all_from_path(const char *directory)'),
  deviceCount: ggml.func('size_t ggml_backend_dev_count()'),
  device: ggml.func('void *ggml_backend_dev_get(size_t index)'),
  deviceName: ggmlBase.func('const char *ggml_backend_dev_name(void *device)'),
  deviceDescription: ggmlBase.func('const char *ggml_backend_dev_description(void *device)'),
  deviceType: ggmlBase.func('int ggml_backend_dev_type(void *device)'),
  backendInit: llama.func('void llama_backend_init()'),
  logSet: llama.func('void llama_log_set(LogCallback *callback, void *user)'),
  modelParams: llama.func('llama_model_params llama_model_default_params()'),
  contextParams: llama.func('llama_context_params llama_context_default_params()'),
  loadModel: llama.func('void *llama_model_load_from_file(const char *path, llama_model_params params)'),
  freeModel: llama.func('void llama_model_free(void *model)'),
  initContext: llama.func('void *llama_init_from_model(void *model, llama_context_params params)'),
  freeContext: llama.func('void llama_free(void *context)'),
  batchOne: llama.func('llama_batch llama_batch_get_one(int32_t *tokens, int32_t count)'),
  decode: llama.func('int32_t llama_decode(void *context, llama_batch batch)'),
  logits: llama.func('float *llama_get_logits_ith(void *context, int32_t i)'),
  synchronize: llama.func('void llama_synchronize(void *context)'),
  memory: llama.func('void *llama_get_memory(void *context)'),
  clear: llama.func('void llama_memory_clear(void *memory, bool data)'),
};

const ALL_LAYERS = 999;
const F16 = 1;
const CHUNK = 2048;
/** Of the token embeddings only; more than the cores would spin against each other. */
const THREADS = options.dry ? 1 : Math.min(8, availableParallelism());
const LOG_WARN = 3;

/** Which backend ran what is in llama.cpp's log only. */
const offloaded = [];
const log = koffi.register((level, text) => {
  if (/offloaded \d+\/\d+ layers|model buffer size/.test(text)) offloaded.push(text.trim().replace(/^\w+: */, ''));
  if (level === LOG_WARN + 1) process.stderr.write(text);
}, 'LogCallback *');
c.logSet(log, null);
c.loadBackends(path.resolve(options.libraries));
c.backendInit();

const DEVICE_TYPES = ['CPU', 'GPU', 'integrated GPU', 'accelerator'];
const devices = Array.from({length: Number(c.deviceCount())}, (_, i) => {
  const device = c.device(i);
  return {
    name: c.deviceName(device),
    description: c.deviceDescription(device),
    type: DEVICE_TYPES[c.deviceType(device)] ?? 'other',
  };
});
for (const {name, description, type} of devices) console.log(`${name}: ${description} (${type})`);
if (
  !options.dry &&
  !devices.some(({type, description}) => type === 'GPU' && !/llvmpipe|swiftshader/i.test(description))
) {
  throw new Error('llama.cpp sees no GPU; only a dry run allows that');
}

// As in bench/lib/measure.ts.
const tokens = (count) => Int32Array.from({length: count}, (_, i) => 600 + ((i * 37) % 150));

/** One context of one model: the sequence only grows, or is cleared. */
class Session {
  #context;

  constructor(model, size, flash) {
    this.#context = c.initContext(model, {
      ...c.contextParams(),
      n_ctx: size,
      n_batch: CHUNK,
      n_ubatch: Math.min(512, CHUNK),
      n_seq_max: 1,
      n_threads: THREADS,
      n_threads_batch: THREADS,
      flash_attn_type: flash ? 1 : 0,
      type_k: F16,
      type_v: F16,
    });
    if (!this.#context) throw new Error('llama.cpp cannot make a context');
  }

  clear() {
    c.clear(c.memory(this.#context), false);
  }

  /** Milliseconds to append `count` tokens and have the last one's logits. */
  prefill(count) {
    const start = performance.now();
    for (let from = 0; from < count; from += CHUNK) this.#feed(tokens(Math.min(CHUNK, count - from)));
    c.synchronize(this.#context);
    return performance.now() - start;
  }

  /** Milliseconds to append `count` tokens one by one, each with its logits on the host. */
  decode(count) {
    const start = performance.now();
    for (const token of tokens(count)) {
      this.#feed(Int32Array.of(token));
      c.logits(this.#context, -1);
    }
    return performance.now() - start;
  }

  free() {
    c.freeContext(this.#context);
  }

  #feed(ids) {
    const failed = c.decode(this.#context, c.batchOne(ids, ids.length));
    if (failed) throw new Error(`llama_decode: ${failed}`);
  }
}

/** Fills `figures` with tokens a second under one setting of flash attention. `report` is called after each. */
function measure(model, flash, figures, {prompts, contexts, generated}, report) {
  const size = Math.ceil((Math.max(...contexts, ...prompts) + 2 * generated + 64) / 256) * 256;
  const session = new Session(model, size, flash);
  const speed = (count, ms) => (1000 * count) / ms;
  const note = (what, value) => report(`${flash ? 'flash' : 'plain'} ${what}: ${value.toFixed(1)} tokens/s`);
  try {
    for (const count of prompts) {
      if (left() < 5) {
        figures.skipped.push(`prefill ${count}: no time left`);
        continue;
      }
      // Once to compile what this size needs.
      session.prefill(count);
      session.clear();
      figures.prefill[count] = speed(count, session.prefill(count));
      note(`prefill ${count}`, figures.prefill[count]);
      session.clear();
    }
    for (const context of contexts) {
      const needed = context / (figures.prefill[prompts.at(-1)] / 1.5) + 2;
      if (!(needed < left())) {
        figures.skipped.push(`decode at ${context}: no time left`);
        continue;
      }
      session.clear();
      if (context > 0) session.prefill(context);
      session.decode(Math.min(4, generated));
      figures.decode[context] = speed(generated, session.decode(generated));
      note(`decode at ${context}`, figures.decode[context]);
    }
  } finally {
    session.free();
  }
  return figures;
}

const bundle = (...args) =>
  execFileSync(process.execPath, [options.bundle, ...args, ...(options.dry ? ['--dry'] : [])], {encoding: 'utf8'});
const {models: generated, lengths} = JSON.parse(bundle('list'));
/** A file that is given is measured instead of the generated ones, and stays. */
const models = options.file
  ? [{name: path.basename(options.file), bytes: statSync(options.file).size, file: options.file}]
  : generated;
const wanted = options.models?.split(',');
const results = {
  dry: options.dry,
  date: new Date().toISOString(),
  commit: options.commit,
  build,
  devices,
  models: [],
  skipped: [],
};
const save = () => writeFileSync(path.join(options.out, 'llama.json'), `${JSON.stringify(results, null, 1)}\n`);

for (const {name, bytes, file: given} of models) {
  if (wanted && !wanted.includes(name)) continue;
  if (bytes / 0.25e9 + 5 > left()) {
    results.skipped.push(`${name}: ${left().toFixed(0)} s are left`);
    console.log(`skipped ${results.skipped.at(-1)}`);
    continue;
  }
  const file = given ?? path.join(options.scratch, `${name.replace(' ', '-')}.gguf`);
  try {
    if (!existsSync(file)) bundle('generate', file, name);
    offloaded.length = 0;
    const start = performance.now();
    const model = c.loadModel(file, {...c.modelParams(), n_gpu_layers: ALL_LAYERS});
    if (!model) throw new Error(`llama.cpp cannot load ${file}`);
    const figures = {name, loadMs: performance.now() - start, offloaded: [...offloaded]};
    console.log(`${name}: loaded in ${figures.loadMs.toFixed(0)} ms; ${offloaded.join('; ')}`);
    results.models.push(figures);
    save();
    const report = (line) => {
      console.log(`  ${line}`);
      save();
    };
    for (const flash of [true, false]) {
      const speeds = {prefill: {}, decode: {}, skipped: []};
      figures[flash ? 'flash' : 'plain'] = speeds;
      measure(model, flash, speeds, lengths, report);
    }
    c.freeModel(model);
  } catch (error) {
    results.skipped.push(`${name}: ${error.message}`);
    console.log(`${name} failed: ${error.stack}`);
    process.exitCode = 1;
  } finally {
    if (!options.keep && !given) rmSync(file, {force: true});
    save();
  }
}
// Backends keep threads.
process.exit();

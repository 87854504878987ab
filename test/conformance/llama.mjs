// llama.cpp through its C interface: loads a GGUF on the CPU, tokenizes, gives the logits of every position, and
// dequantizes rows. The library is the one @node-llama-cpp/linux-x64 ships; nothing is compiled. Knows no test.
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {getBinsDir} from '@node-llama-cpp/linux-x64';
import {defineLlamaStructs} from '../../scripts/lib/llama-structs.mjs';

const require = createRequire(import.meta.url);
const koffi = require('koffi');

/** The layouts below are those of this version's llama.h: package.json pins it. */
export const LLAMA_VERSION = `llama.cpp v0.5.0 (@node-llama-cpp/linux-x64 ${
  require('./package.json').dependencies['@node-llama-cpp/linux-x64']
})`;

const directory = path.join(getBinsDir().binsDir, 'linux-x64');
const ggmlBase = koffi.load(path.join(directory, 'libggml-base.so'));
const ggml = koffi.load(path.join(directory, 'libggml.v0.5.0.so'));
const llama = koffi.load(path.join(directory, 'libllama.v0.5.0.so'));

defineLlamaStructs(koffi);
const tensorStruct = koffi.struct('ggml_tensor', {
  type: 'int32_t',
  buffer: 'void *',
  ne: koffi.array('int64_t', 4),
  nb: koffi.array('size_t', 4),
  op: 'int32_t',
  op_params: koffi.array('int32_t', 16),
  flags: 'int32_t',
  src: koffi.array('void *', 10),
  view_src: 'void *',
  view_offs: 'size_t',
  data: 'void *',
  name: koffi.array('char', 64, 'String'),
  extra: 'void *',
  padding: koffi.array('char', 8),
});
koffi.proto('void LogCallback(int level, const char *text, void *user)');
const evalCallback = koffi.proto('bool EvalCallback(void *tensor, bool ask, void *user)');

const c = {
  loadBackends: ggml.func('void ggml_backend_load_all_from_path(const char *directory)'),
  backendInit: llama.func('void llama_backend_init()'),
  logSet: llama.func('void llama_log_set(LogCallback *callback, void *user)'),
  modelParams: llama.func('llama_model_params llama_model_default_params()'),
  contextParams: llama.func('llama_context_params llama_context_default_params()'),
  loadModel: llama.func('void *llama_model_load_from_file(const char *path, llama_model_params params)'),
  freeModel: llama.func('void llama_model_free(void *model)'),
  vocab: llama.func('void *llama_model_get_vocab(void *model)'),
  vocabSize: llama.func('int32_t llama_vocab_n_tokens(void *vocab)'),
  isEog: llama.func('bool llama_vocab_is_eog(void *vocab, int32_t token)'),
  initContext: llama.func('void *llama_init_from_model(void *model, llama_context_params params)'),
  freeContext: llama.func('void llama_free(void *context)'),
  tokenize: llama.func(
    'int32_t llama_tokenize(void *vocab, const uint8_t *text, int32_t length, _Out_ int32_t *tokens, int32_t max, bool add_special, bool parse_special)',
  ),
  tokenToPiece: llama.func(
    'int32_t llama_token_to_piece(void *vocab, int32_t token, _Out_ uint8_t *bytes, int32_t length, int32_t lstrip, bool special)',
  ),
  loraInit: llama.func('void *llama_adapter_lora_init(void *model, const char *path)'),
  setAdapters: llama.func('int32_t llama_set_adapters_lora(void *context, void **adapters, size_t n, float *scales)'),
  batchInit: llama.func('llama_batch llama_batch_init(int32_t n_tokens, int32_t embd, int32_t n_seq_max)'),
  batchFree: llama.func('void llama_batch_free(llama_batch batch)'),
  decode: llama.func('int32_t llama_decode(void *context, llama_batch batch)'),
  logits: llama.func('float *llama_get_logits_ith(void *context, int32_t i)'),
  quantizeParams: llama.func('llama_model_quantize_params llama_model_quantize_default_params()'),
  quantize: llama.func(
    'uint32_t llama_model_quantize(const char *from, const char *to, const llama_model_quantize_params *params)',
  ),
  tensorBytes: ggmlBase.func('size_t ggml_nbytes(void *tensor)'),
  tensorGet: ggmlBase.func(
    'void ggml_backend_tensor_get(void *tensor, _Out_ uint8_t *data, size_t offset, size_t size)',
  ),
};

const TO_F32 = Object.fromEntries(
  Object.entries({
    F16: 'ggml_fp16_to_fp32_row',
    BF16: 'ggml_bf16_to_fp32_row',
    Q4_0: 'dequantize_row_q4_0',
    Q4_1: 'dequantize_row_q4_1',
    Q5_0: 'dequantize_row_q5_0',
    Q5_1: 'dequantize_row_q5_1',
    Q8_0: 'dequantize_row_q8_0',
    Q2_K: 'dequantize_row_q2_K',
    Q3_K: 'dequantize_row_q3_K',
    Q4_K: 'dequantize_row_q4_K',
    Q5_K: 'dequantize_row_q5_K',
    Q6_K: 'dequantize_row_q6_K',
    IQ4_NL: 'dequantize_row_iq4_nl',
    IQ4_XS: 'dequantize_row_iq4_xs',
    MXFP4: 'dequantize_row_mxfp4',
  }).map(([type, name]) => [type, ggmlBase.func(`void ${name}(const uint8_t *x, _Out_ float *y, int64_t n)`)]),
);

/** `count` values from their stored form, by ggml's own code. */
export function dequantize(type, bytes, count) {
  if (type === 'F32') return new Float32Array(bytes.slice().buffer);
  if (!TO_F32[type]) throw new Error(`no dequantizer for ${type}`);
  const values = new Float32Array(count);
  TO_F32[type](bytes, values, count);
  return values;
}

const ERROR_LEVEL = 4;
const F32 = 0;
const F16 = 1;
let started = false;

function start() {
  if (started) return;
  started = true;
  const log = koffi.register((level, text) => {
    if (level === ERROR_LEVEL) process.stderr.write(text);
  }, 'LogCallback *');
  c.logSet(log, null);
  c.loadBackends(directory);
  c.backendInit();
}

/** bytes of an F32 GGUF → bytes of the file that llama.cpp's own quantizer makes of it. @param fileType llama_ftype */
export function quantize(bytes, fileType) {
  start();
  const folder = mkdtempSync(path.join(tmpdir(), 'gemma-chat-quantize-'));
  try {
    const [from, to] = ['from.gguf', 'to.gguf'].map((name) => path.join(folder, name));
    writeFileSync(from, bytes);
    const failed = c.quantize(from, to, {...c.quantizeParams(), ftype: fileType, nthread: 2});
    if (failed) throw new Error(`llama_model_quantize: ${failed}`);
    return new Uint8Array(readFileSync(to));
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

/** llama.cpp's own Jinja interpreter. @returns a function from a template's variables to the text */
export function llamaJinja(template) {
  const {AddonJinjaRenderer} = require(path.join(directory, 'llama-addon.node'));
  const renderer = new AddonJinjaRenderer(template);
  return (variables) => renderer.render(variables);
}

export class LlamaModel {
  #model;
  #vocab;
  #piece = new Uint8Array(1024);

  /** @param options.vocabOnly for a file without weights: it can tokenize, and nothing else */
  constructor(file, {vocabOnly = false} = {}) {
    start();
    this.#model = c.loadModel(file, {...c.modelParams(), n_gpu_layers: 0, vocab_only: vocabOnly});
    if (!this.#model) throw new Error(`llama.cpp cannot load ${file}`);
    this.#vocab = c.vocab(this.#model);
    this.vocabSize = c.vocabSize(this.#vocab);
  }

  /** Without bos unless asked for. */
  tokenize(text, {addBos = false, parseSpecial = false} = {}) {
    const bytes = Buffer.from(text); // a lone surrogate is U+FFFD by then
    const tokens = new Int32Array(bytes.length + 8);
    const count = c.tokenize(this.#vocab, bytes, bytes.length, tokens, tokens.length, addBos, parseSpecial);
    if (count < 0) throw new Error(`llama_tokenize: ${count}`);
    return [...tokens.subarray(0, count)];
  }

  /** The bytes a token stands for; a control token's name, or nothing where it is to be silent. */
  pieceOf(token, special = true) {
    const length = c.tokenToPiece(this.#vocab, token, this.#piece, this.#piece.length, 0, special);
    if (length < 0) throw new Error(`llama_token_to_piece: ${length}`);
    return this.#piece.slice(0, length);
  }

  detokenize(tokens) {
    return Buffer.concat(tokens.map((token) => this.pieceOf(token))).toString('utf8');
  }

  isEndOfGeneration(token) {
    return c.isEog(this.#vocab, token);
  }

  /**
   * A context of f32 keys and values without flash attention: the most exact way llama.cpp runs.
   * @param lora {path, scale} of a GGUF adapter; it is freed with the model
   * @param onTensor sees every named f32 node of the graph: (name, Float32Array)
   */
  context({size = 512, kv = 'f32', lora = null, onTensor = null} = {}) {
    const context = new LlamaContext(this, this.#model, size, kv === 'f32' ? F32 : F16, onTensor);
    if (lora) context.use(c.loraInit(this.#model, lora.path), lora.scale);
    return context;
  }

  free() {
    c.freeModel(this.#model);
  }
}

class LlamaContext {
  #context;
  #batch;
  #callback = null;
  #vocabSize;
  /** Positions decoded so far. */
  length = 0;

  constructor(owner, model, size, kvType, onTensor) {
    if (onTensor) this.#callback = koffi.register(traceCallback(onTensor), koffi.pointer(evalCallback));
    this.#vocabSize = owner.vocabSize;
    this.#context = c.initContext(model, {
      ...c.contextParams(),
      n_ctx: size,
      n_batch: size,
      n_ubatch: size,
      n_seq_max: 1,
      n_outputs_max: size,
      n_threads: 2,
      n_threads_batch: 2,
      flash_attn_type: 0,
      type_k: kvType,
      type_v: kvType,
      swa_full: true,
      offload_kqv: false,
      op_offload: false,
      cb_eval: this.#callback,
    });
    if (!this.#context) throw new Error('llama.cpp cannot make a context');
    this.#batch = c.batchInit(size, 0, 1);
  }

  use(adapter, scale) {
    if (!adapter) throw new Error('llama.cpp cannot load the adapter');
    const failed = c.setAdapters(this.#context, [adapter], 1, new Float32Array([scale]));
    if (failed) throw new Error(`llama_set_adapters_lora: ${failed}`);
  }

  /** Appends the tokens and returns f32[vocabSize] for each of them. */
  decode(tokens) {
    const batch = this.#batch;
    const fill = (pointer, type, values) => koffi.encode(pointer, koffi.array(type, values.length), values);
    fill(batch.token, 'int32_t', tokens);
    fill(
      batch.pos,
      'int32_t',
      tokens.map((_, i) => this.length + i),
    );
    fill(
      batch.n_seq_id,
      'int32_t',
      tokens.map(() => 1),
    );
    fill(
      batch.logits,
      'int8_t',
      tokens.map(() => 1),
    );
    for (const id of koffi.decode(batch.seq_id, koffi.array('void *', tokens.length))) koffi.encode(id, 'int32_t', 0);
    const failed = c.decode(this.#context, {...batch, n_tokens: tokens.length});
    if (failed) throw new Error(`llama_decode: ${failed}`);
    this.length += tokens.length;
    const row = koffi.array('float', this.#vocabSize, 'Typed');
    return tokens.map((_, i) => Float32Array.from(koffi.decode(c.logits(this.#context, i), row)));
  }

  free() {
    c.batchFree(this.#batch);
    c.freeContext(this.#context);
    if (this.#callback) koffi.unregister(this.#callback);
  }
}

function traceCallback(onTensor) {
  return (tensor, ask) => {
    const {type, name} = koffi.decode(tensor, tensorStruct);
    if (ask || type !== F32) return true;
    const size = Number(c.tensorBytes(tensor));
    const bytes = new Uint8Array(size);
    c.tensorGet(tensor, bytes, 0, size);
    onTensor(name, new Float32Array(bytes.buffer));
    return true;
  };
}

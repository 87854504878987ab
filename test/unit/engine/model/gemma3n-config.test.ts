// What headers of gemma3n files say, written as converters and Ollama write them.
import {expect} from 'chai';
import {GEMMA3N_SHAPES, type Gemma3nShape} from '../../../../scripts/model-files/gemma3n-shapes.ts';
import type {WritableValue} from '../../../../scripts/model-files/gguf-writer.ts';
import {readConfig} from '../../../../src/engine/model/config.ts';
import type {Gemma3nConfig} from '../../../../src/engine/model/gemma3n/config.ts';
import {type ErrorCode, GemmaError} from '../../../../src/errors.ts';
import {type Changes, changedHeader} from '../../../helpers/changed-header.ts';

const {gemma3n: FEW, 'gemma3n-shared': SHARED} = GEMMA3N_SHAPES;
const configOf = async (shape: Gemma3nShape, changes?: Changes) =>
  readConfig(await changedHeader(shape, changes)) as Gemma3nConfig;
const f32 = (value: number): WritableValue => ({type: 'f32', value});

describe('readConfig of gemma3n', () => {
  it('shares the keys and values of the last two owners, a count of which may be a float', async () => {
    const {layers, tensors} = await configOf(SHARED);
    expect(layers.map(({hasKv}) => hasKv)).to.deep.equal(layers.map((_, i) => i < 20));
    expect(layers.slice(18).map(({sliding, kvSource}) => [sliding, kvSource])).to.deep.equal([
      [true, 18],
      [false, 19],
      [true, 18],
      [false, 19],
    ]);
    expect((await changedHeader(SHARED)).tensors.has('blk.20.attn_k.weight')).to.equal(true);
    expect(tensors.has('blk.20.attn_k.weight')).to.equal(false);
    const without = await configOf(SHARED, {metadata: {'gemma3n.attention.shared_kv_layers': null}});
    expect(without.layers.map(({kvSource}) => kvSource)).to.deep.equal(layers.map(({kvSource}) => kvSource));
  });

  it('reads which layers are sparse, and knows it of files that do not say', async () => {
    const {layers} = await configOf(SHARED);
    const kappa = Math.fround(1.6448533535003662);
    expect(layers.map(({sparsity}) => sparsity)).to.deep.equal(layers.map((_, i) => (i < 10 ? kappa : null)));
    const key = 'gemma3n.activation_sparsity_scale';
    const without = await configOf(SHARED, {metadata: {[key]: null}});
    expect(without.layers.map(({sparsity}) => sparsity)).to.deep.equal(
      layers.map((_, i) => (i < 10 ? 1.6448533535003662 : null)),
    );
  });

  it('makes every fifth layer full where the file does not say', async () => {
    const {layers} = await configOf(SHARED, {metadata: {'gemma3n.attention.sliding_window_pattern': null}});
    expect(layers.map(({sliding}) => (sliding ? 'S' : 'F')).join('')).to.equal('SSSSFSSSSFSSSSFSSSSFSS');
  });

  it('reads Ollama’s names of the head’s size and of the RoPE base', async () => {
    const {layers} = await configOf(FEW, {
      metadata: {
        'gemma3n.attention.key_length': null,
        'gemma3n.attention.value_length': null,
        'gemma3n.head_dim': 32,
        'gemma3n.rope.freq_base_swa': null,
        'gemma3n.rope.freq_base_local': f32(2e4),
      },
    });
    expect(layers.map(({headDim, ropeBase}) => [headDim, ropeBase])).to.deep.equal([
      [32, 2e4],
      [32, 2e4],
      [32, 1e6],
    ]);
  });

  it('leaves out the rows of the embedding that the per-layer table has none for', async () => {
    const table = (await changedHeader(FEW)).tensors.get('per_layer_token_embd.weight')!;
    const {tensors, nVocab} = await configOf(FEW, {
      tensor: [table.name, {shape: [table.shape[0], 700], byteLength: (table.byteLength / 773) * 700}],
    });
    const embedding = tensors.get('token_embd.weight')!;
    const whole = (await changedHeader(FEW)).tensors.get('token_embd.weight')!;
    expect(nVocab).to.equal(700);
    expect(embedding.shape).to.deep.equal([256, 700]);
    expect(embedding.byteLength).to.equal((whole.byteLength / 773) * 700);
    expect(tensors.get('output.weight')!.shape).to.deep.equal([256, 700]);
  });

  const refused = (what: string, code: ErrorCode, message: RegExp, changes: Changes) =>
    it(`refuses ${what}`, async () => {
      const file = await changedHeader(FEW, changes);
      expect(() => readConfig(file))
        .to.throw(GemmaError, message)
        .with.property('code', code);
    });
  const invalid = (what: string, message: RegExp, key: string, value: WritableValue) =>
    refused(what, 'config-invalid', message, {metadata: {[key]: value}});
  const sparsity = 'gemma3n.activation_sparsity_scale';
  invalid('three streams', /num_inputs is 3; expected 4/, 'gemma3n.altup.num_inputs', 3);
  invalid('another active stream', /active_idx is 1; expected 0/, 'gemma3n.altup.active_idx', 1);
  invalid('no per-layer embeddings', /per_layer_input is 0/, 'gemma3n.embedding_length_per_layer_input', 0);
  invalid('sparsity of fewer layers', /is 2 values; expected 3/, sparsity, Float32Array.of(1, 1));
  invalid('a sparsity that is none', /scale\[1\] is NaN/, sparsity, Float32Array.of(1, Number.NaN, 1));
  invalid('an infinite sparsity', /scale\[2\] is Infinity/, sparsity, Float32Array.of(1, 1, Number.POSITIVE_INFINITY));
  invalid('a huge sparsity', /scale\[0\] is 1000/, sparsity, Float32Array.of(1000, 1, 1));
  invalid('sharing by all', /shared_kv_layers is 3; expected .* to 2/, 'gemma3n.attention.shared_kv_layers', 3);
  invalid('sharing with no one of the kind', /leaves layer 2 a full/, 'gemma3n.attention.shared_kv_layers', 1);
  invalid('half a layer that shares', /shared_kv_layers is f32 0.5/, 'gemma3n.attention.shared_kv_layers', f32(0.5));
  refused('a stack of two projections', 'tensor-shape', /altup_proj\.weight .*expected \[256, 256, 3\]/, {
    tensor: ['altup_proj.weight', {shape: [256, 256, 2]}],
  });
  refused('a Laurel of two ranks', 'tensor-shape', /laurel_r\.weight .*expected \[64, 256\]/, {
    tensor: ['blk.1.laurel_r.weight', {shape: [32, 256]}],
  });
  refused('a missing router', 'tensor-missing', /blk\.0\.altup_router\.weight/, {
    tensor: ['blk.0.altup_router.weight', null],
  });
  refused('a per-layer table of another width', 'tensor-shape', /per_layer_token_embd/, {
    tensor: ['per_layer_token_embd.weight', {shape: [512, 773]}],
  });
});

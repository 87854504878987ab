// What headers of gemma, gemma2 and gemma3 files say, written as converters and early versions of Ollama write them.
import {expect} from 'chai';
import {DENSE_SHAPES, type DenseShape, type DenseShapeName} from '../../../../scripts/model-files/dense-shapes.ts';
import type {WritableValue} from '../../../../scripts/model-files/gguf-writer.ts';
import {readConfig} from '../../../../src/engine/model/config.ts';
import type {Gemma2Config} from '../../../../src/engine/model/gemma2/config.ts';
import type {Gemma3Config} from '../../../../src/engine/model/gemma3/config.ts';
import {type ErrorCode, GemmaError} from '../../../../src/errors.ts';
import {type Changes, changedHeader} from '../../../helpers/changed-header.ts';

const shapeOf = (name: DenseShapeName): DenseShape => DENSE_SHAPES[name];
const configOf = async (name: DenseShapeName, changes?: Changes) =>
  readConfig(await changedHeader(shapeOf(name), changes));
const f32 = (value: number): WritableValue => ({type: 'f32', value});
const slidingOf = async (name: DenseShapeName, changes?: Changes) =>
  (await configOf(name, changes)).layers.map(({sliding}) => (sliding ? 'S' : 'F')).join('');

const refused = (what: string, code: ErrorCode, message: RegExp, name: DenseShapeName, changes: Changes) =>
  it(`refuses ${what}`, async () => {
    const file = await changedHeader(shapeOf(name), changes);
    expect(() => readConfig(file))
      .to.throw(GemmaError, message)
      .with.property('code', code);
  });

describe('readConfig of gemma3', () => {
  it('makes every sixth layer full where the file does not say, and takes a list or a period where it does', async () => {
    const key = 'gemma3.attention.sliding_window_pattern';
    expect(await slidingOf('gemma3')).to.equal('SSSSSFS');
    expect(await slidingOf('gemma3-scaled')).to.equal('SFSSF');
    expect(await slidingOf('gemma3', {metadata: {[key]: 3}})).to.equal('SSFSSFS');
    expect(await slidingOf('gemma3', {metadata: {[key]: 1}})).to.equal('FFFFFFF');
  });

  it('gives full layers their own RoPE base and, from 4B on, positions divided by 8', async () => {
    const ropeOf = ({ropeBase, ropeScale, window}: {ropeBase: number; ropeScale: number; window: number}) =>
      [ropeBase, ropeScale, window].join(' ');
    const {layers} = await configOf('gemma3-scaled');
    expect(layers.map(ropeOf)).to.deep.equal(['10000 1 16', '1000000 8 0', '10000 1 16', '10000 1 16', '1000000 8 0']);
    const small = await configOf('gemma3');
    expect(small.layers.slice(4, 6).map(ropeOf)).to.deep.equal(['10000 1 16', '1000000 1 0']);
  });

  it('has no sliding layer without a window, whatever the pattern', async () => {
    const {layers, softcap, tiedHead} = await configOf('gemma3-all-full');
    expect(layers.map(({sliding, window, ropeBase}) => [sliding, window, ropeBase])).to.deep.equal(
      layers.map(() => [false, 0, 1e6]),
    );
    expect({softcap, tiedHead}).to.deep.equal({softcap: 30, tiedHead: false});
  });

  it('scales scores by the head, and in the 27B model by the embedding’s share of a head', async () => {
    expect(await configOf('gemma3')).to.include({attentionScale: 1 / 8, softcap: 0, tiedHead: true});
    expect(await configOf('gemma3-27b')).to.include({attentionScale: 32 ** -0.5}); // 64 / 2 heads; a head has 16
  });

  it('reads what early versions of Ollama wrote: other RoPE keys, or none, and no scaling for 128k contexts', async () => {
    const without = {
      'gemma3.rope.freq_base': null,
      'gemma3.rope.freq_base_swa': null,
      'gemma3.rope.scaling.type': null,
      'gemma3.rope.scaling.factor': null,
      'gemma3.attention.layer_norm_rms_epsilon': null,
    };
    const bases = async (metadata: Changes['metadata']) => {
      const {layers, normEps} = await configOf('gemma3-scaled', {metadata: {...without, ...metadata}});
      return [layers[0].ropeBase, layers[1].ropeBase, layers[0].ropeScale, layers[1].ropeScale, normEps];
    };
    expect(await bases({})).to.deep.equal([1e4, 1e6, 1, 1, 1e-6]);
    expect(await bases({'gemma3.context_length': 131072})).to.deep.equal([1e4, 1e6, 1, 8, 1e-6]);
    expect(
      await bases({'gemma3.rope.global.freq_base': f32(5e5), 'gemma3.rope.local.freq_base': f32(2e4)}),
    ).to.deep.equal([2e4, 5e5, 1, 1, 1e-6]);
    // A file that says it has none is believed.
    expect(await bases({'gemma3.context_length': 131072, 'gemma3.rope.scaling.type': 'none'})).to.deep.equal([
      1e4, 1e6, 1, 1, 1e-6,
    ]);
  });

  it('takes the embedding’s share of a head where the file has no key length', async () => {
    const key = 'gemma3.attention.key_length';
    const file = await changedHeader({...shapeOf('gemma3'), headDim: 48}, {metadata: {[key]: null}});
    expect(readConfig(file).layers[0].headDim).to.equal(48);
  });

  it('leaves a tower’s tensors alone', async () => {
    const file = await changedHeader(shapeOf('gemma3'));
    const tower = {...file.tensors.get('output_norm.weight')!, name: 'v.blk.0.ln1.weight'};
    const {tensors} = readConfig({...file, tensors: new Map([['v.blk.0.ln1.weight', tower], ...file.tensors])});
    expect([...tensors.keys()]).to.deep.equal([...file.tensors.keys()]);
  });

  const invalid = (what: string, message: RegExp, key: string, value: WritableValue | null) =>
    refused(what, 'config-invalid', message, 'gemma3', {metadata: {[key]: value}});
  invalid('a billion layers', /block_count is 1000000000; expected an integer from 1/, 'gemma3.block_count', 1e9);
  invalid('no width', /gemma3\.embedding_length is missing/, 'gemma3.embedding_length', null);
  invalid('a width of 2^40', /embedding_length is 1099511627776/, 'gemma3.embedding_length', 2 ** 40);
  invalid('no context', /context_length is 0; expected an integer from 1/, 'gemma3.context_length', 0);
  invalid('a window that no model has', /sliding_window is 1000000000/, 'gemma3.attention.sliding_window', 1e9);
  invalid('a period of 0', /pattern is 0; expected an integer from 1/, 'gemma3.attention.sliding_window_pattern', 0);
  invalid('a pattern of another length', /array of 2/, 'gemma3.attention.sliding_window_pattern', [true, false]);
  invalid('KV heads that do not divide', /is 3; expected a divisor of 4/, 'gemma3.attention.head_count_kv', 3);
  invalid('no heads', /head_count\[0\] is 0/, 'gemma3.attention.head_count', 0);
  invalid('heads of no whole vec4s', /key_length is 62; expected a multiple of 4/, 'gemma3.attention.key_length', 62);
  invalid('heads too wide', /key_length is 1024; expected .* to 512/, 'gemma3.attention.key_length', 1024);
  invalid('values of another width', /value_length is 32; expected 64/, 'gemma3.attention.value_length', 32);
  invalid('a RoPE of another width', /dimension_count is 32; expected 64/, 'gemma3.rope.dimension_count', 32);
  invalid('a RoPE base of 1', /freq_base is 1; expected a number above 1/, 'gemma3.rope.freq_base', f32(1));
  invalid('YaRN', /scaling\.type is "yarn"; expected linear or none/, 'gemma3.rope.scaling.type', 'yarn');
  invalid('a RoPE factor of 0', /factor is 0; expected a number above 0/, 'gemma3.rope.scaling.factor', f32(0));
  invalid('an infinite RoPE factor', /a finite number/, 'gemma3.rope.scaling.factor', f32(Number.POSITIVE_INFINITY));
  invalid('a zero epsilon', /rms_epsilon is 0/, 'gemma3.attention.layer_norm_rms_epsilon', f32(0));
  invalid('a negative soft cap', /softcapping is -1/, 'gemma3.final_logit_softcapping', f32(-1));
  refused('a missing head norm', 'tensor-missing', /blk\.3\.attn_k_norm\.weight/, 'gemma3', {
    tensor: ['blk.3.attn_k_norm.weight', null],
  });
  refused('a projection of another shape', 'tensor-shape', /expected \[192, 64\]/, 'gemma3', {
    tensor: ['blk.0.attn_k.weight', {shape: [192, 128]}],
  });
  it('refuses an embedding model that calls itself gemma3', async () => {
    const file = await changedHeader(shapeOf('gemma3'));
    const dense = {...file.tensors.get('output_norm.weight')!, name: 'dense.0.weight'};
    expect(() => readConfig({...file, tensors: new Map([...file.tensors, ['dense.0.weight', dense]])}))
      .to.throw(GemmaError, /an embedding model/)
      .with.property('code', 'architecture-unsupported');
  });
});

describe('readConfig of gemma2', () => {
  it('lets every other layer slide, 4096 positions where the file does not say', async () => {
    expect(await slidingOf('gemma2')).to.equal('SFSF');
    const {layers} = await configOf('gemma2', {metadata: {'gemma2.attention.sliding_window': null}});
    expect(layers.map(({window, ropeBase}) => [window, ropeBase])).to.deep.equal([
      [4096, 1e4],
      [0, 1e4],
      [4096, 1e4],
      [0, 1e4],
    ]);
  });

  it('caps scores and logits, at 50 and 30 where the file does not say', async () => {
    const metadata = {'gemma2.attn_logit_softcapping': null, 'gemma2.final_logit_softcapping': null};
    expect(await configOf('gemma2', {metadata})).to.include({softcap: 30, attentionSoftcap: 50});
    expect(((await configOf('gemma2')) as Gemma2Config).attentionSoftcap).to.equal(5);
  });

  it('scales scores by the head, and in the 27B model by the embedding’s share of a head', async () => {
    expect(await configOf('gemma2')).to.include({attentionScale: 1 / 8});
    expect(((await configOf('gemma2-27b')) as Gemma3Config | Gemma2Config).attentionScale).to.equal(32 ** -0.5);
  });

  refused('a negative cap on scores', 'config-invalid', /attn_logit_softcapping is -50/, 'gemma2', {
    metadata: {'gemma2.attn_logit_softcapping': f32(-50)},
  });
  refused('a missing post norm', 'tensor-missing', /blk\.1\.post_ffw_norm\.weight/, 'gemma2', {
    tensor: ['blk.1.post_ffw_norm.weight', null],
  });
});

describe('readConfig of gemma', () => {
  it('has full layers only, one RoPE base, no cap and no post norm', async () => {
    const {layers, softcap, tensors} = await configOf('gemma');
    expect(
      layers.map(({sliding, window, ropeBase, ropeScale}) => [sliding, window, ropeBase, ropeScale]),
    ).to.deep.equal(layers.map(() => [false, 0, 1e4, 1]));
    expect(softcap).to.equal(0);
    expect([...tensors.keys()].filter((name) => name.includes('post_'))).to.deep.equal([]);
  });

  refused('a missing norm', 'tensor-missing', /blk\.2\.ffn_norm\.weight/, 'gemma', {
    tensor: ['blk.2.ffn_norm.weight', null],
  });
});

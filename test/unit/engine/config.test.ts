import {expect} from 'chai';
import {readConfig} from '../../../src/engine/config.ts';
import {type ErrorCode, GemmaError} from '../../../src/errors.ts';
import type {GgufFile, TensorInfo} from '../../../src/gguf/gguf-file.ts';
import {metadataOf, type WritableGguf} from '../../fixtures/gguf-writer.ts';
import {type TinyOptions, tinyGemma4} from './tiny-gemma4.ts';

/** A header as the reader would give it, without bytes. */
function headerOf({metadata = {}, tensors = []}: WritableGguf): GgufFile {
  let offset = 4096;
  const infos = tensors.map(({name, type, shape, data}): [string, TensorInfo] => {
    offset += data.length;
    return [name, {name, type, shape, offset: offset - data.length, byteLength: data.length}];
  });
  return {
    version: 3,
    metadata: metadataOf(metadata),
    tensors: new Map(infos),
    alignment: 32,
    dataOffset: 4096,
    size: offset,
  };
}

const configOf = (options?: TinyOptions) => readConfig(headerOf(tinyGemma4(options)));

describe('readConfig', () => {
  it('reads what a layer is from its number and its type', () => {
    const {layers} = configOf();
    expect(
      layers.map(({sliding, window, headDim, nHead, nHeadKv, ffn, ropeBase}) =>
        [sliding, window, headDim, nHead, nHeadKv, ffn, ropeBase].join(' '),
      ),
    ).to.deep.equal([
      'true 16 64 4 2 256 10000',
      'true 16 64 4 2 256 10000',
      'false 0 128 4 1 256 1000000',
      'true 16 64 4 2 512 10000',
      'false 0 128 4 1 512 1000000',
    ]);
  });

  it('shares keys and values with the last own layer of the same kind', () => {
    expect(configOf().layers.map(({ownsKv, donor}) => [ownsKv, donor])).to.deep.equal([
      [true, 0],
      [true, 1],
      [true, 2],
      [false, 1],
      [false, 2],
    ]);
  });

  it('uses no K/V tensor of a sharing layer, present or not', () => {
    const {tensors} = configOf({ghosts: true});
    expect(tensors.has('blk.2.attn_k.weight')).to.equal(true);
    expect([...tensors.keys()].filter((name) => /^blk\.[34]\.attn_[kv]/.test(name))).to.deep.equal([]);
  });

  it('takes a scalar for every layer', () => {
    const metadata = {'gemma4.feed_forward_length': 256};
    const file = tinyGemma4({shared: 0, metadata});
    expect(readConfig(headerOf(file)).layers.map(({ffn}) => ffn)).to.deep.equal([256, 256, 256, 256, 256]);
  });

  it('tells a tied head from one of its own, and per-layer embeddings from none', () => {
    expect(configOf().tiedHead).to.equal(true);
    expect(configOf({untied: true}).tiedHead).to.equal(false);
    expect(configOf({untied: true}).tensors.has('output.weight')).to.equal(true);
    expect(configOf({nEmbdPerLayer: 0}).nEmbdPerLayer).to.equal(0);
  });

  it('keeps the tensors in file order, whatever that is', () => {
    const file = tinyGemma4();
    const reversed = [...file.tensors!].reverse();
    expect([...readConfig(headerOf({...file, tensors: reversed})).tensors.keys()]).to.deep.equal(
      reversed.map(({name}) => name),
    );
  });

  it('takes a missing layer_output_scale for 1', () => {
    const file = tinyGemma4();
    const tensors = file.tensors!.filter(({name}) => name !== 'blk.1.layer_output_scale.weight');
    expect(readConfig(headerOf({...file, tensors})).layers.map((layer) => layer.hasOutputScale)).to.deep.equal([
      true,
      false,
      true,
      true,
      true,
    ]);
  });

  const refused = (what: string, code: ErrorCode, message: RegExp, file: () => WritableGguf) =>
    it(`refuses ${what}`, () => {
      expect(() => readConfig(headerOf(file())))
        .to.throw(GemmaError, message)
        .with.property('code', code);
    });

  const withMetadata = (metadata: TinyOptions['metadata']) => () => tinyGemma4({metadata});
  const withTensor = (name: string, change: (tensor: object) => object | null) => () => {
    const file = tinyGemma4();
    const tensors = file.tensors!.map((tensor) => (tensor.name === name ? change(tensor) : tensor)).filter(Boolean);
    return {...file, tensors} as WritableGguf;
  };

  refused(
    'another architecture',
    'architecture-unsupported',
    /architecture llama; supported: .*gemma4/,
    withMetadata({'general.architecture': 'llama'}),
  );
  refused(
    'a name that every object has',
    'architecture-unsupported',
    /architecture constructor/,
    withMetadata({'general.architecture': 'constructor'}),
  );
  refused(
    'a vision tower',
    'architecture-unsupported',
    /a file of type mmproj/,
    withMetadata({'general.type': 'mmproj'}),
  );
  refused(
    'a mixture of experts',
    'architecture-unsupported',
    /mixture of 128 experts/,
    withMetadata({'gemma4.expert_count': 128}),
  );
  refused(
    'keys that serve as values',
    'architecture-unsupported',
    /without attn_v/,
    withTensor('blk.2.attn_v.weight', () => null),
  );
  refused(
    'a missing tensor',
    'tensor-missing',
    /no tensor blk\.1\.ffn_up\.weight; expected one of shape \[256, 256\]/,
    withTensor('blk.1.ffn_up.weight', () => null),
  );
  refused(
    'a missing attn_v of a sliding layer',
    'tensor-missing',
    /blk\.0\.attn_v\.weight/,
    withTensor('blk.0.attn_v.weight', () => null),
  );
  refused(
    'a missing embedding',
    'tensor-missing',
    /token_embd\.weight/,
    withTensor('token_embd.weight', () => null),
  );
  refused(
    'a transposed tensor',
    'tensor-shape',
    /blk\.3\.ffn_up\.weight has shape \[512, 256\]; expected \[256, 512\]/,
    withTensor('blk.3.ffn_up.weight', (tensor) => ({...tensor, shape: [512, 256]})),
  );
  refused(
    'a type without a kernel',
    'quant-unsupported',
    /blk\.0\.attn_q\.weight is IQ1_S; supported here: F32/,
    withTensor('blk.0.attn_q.weight', (tensor) => ({...tensor, type: 'IQ1_S'})),
  );
  refused(
    'a quantized norm',
    'quant-unsupported',
    /blk\.0\.attn_norm\.weight is Q8_0; supported here: F32/,
    withTensor('blk.0.attn_norm.weight', (tensor) => ({...tensor, type: 'Q8_0'})),
  );
  refused(
    'no block count',
    'config-invalid',
    /gemma4\.block_count is missing/,
    withMetadata({'gemma4.block_count': null}),
  );
  refused(
    'a billion layers',
    'config-invalid',
    /block_count is 1000000000; expected an integer from 1 to 256/,
    withMetadata({'gemma4.block_count': 1e9}),
  );
  refused(
    'an array of the wrong length',
    'config-invalid',
    /feed_forward_length is an array of 2 i32/,
    withMetadata({'gemma4.feed_forward_length': [1, 2]}),
  );
  refused(
    'a zero epsilon',
    'config-invalid',
    /layer_norm_rms_epsilon is 0/,
    withMetadata({'gemma4.attention.layer_norm_rms_epsilon': 0}),
  );
  refused(
    'values of another width than keys',
    'config-invalid',
    /value_length is 64; expected 128/,
    withMetadata({'gemma4.attention.value_length': 64}),
  );
  refused(
    'a head dim of no whole vec4s',
    'config-invalid',
    /key_length_swa is 62; expected a multiple of 4/,
    withMetadata({'gemma4.attention.key_length_swa': 62}),
  );
  refused(
    'KV heads that do not divide the heads',
    'config-invalid',
    /head_count_kv is 3; expected a divisor of 4/,
    withMetadata({'gemma4.attention.head_count_kv': 3}),
  );
  refused(
    'sharing with nobody of the kind',
    'config-invalid',
    /leaves layer 2 a full layer/,
    withMetadata({'gemma4.attention.shared_kv_layers': 3}),
  );
  refused(
    'sharing by all layers',
    'config-invalid',
    /shared_kv_layers is 5; expected an integer from 0 to 4/,
    withMetadata({'gemma4.attention.shared_kv_layers': 5}),
  );
});

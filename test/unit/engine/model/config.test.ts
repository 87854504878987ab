import {expect} from 'chai';
import {GEMMA4_SHAPES, type Gemma4Shape} from '../../../../scripts/model-files/gemma4-shapes.ts';
import type {WritableValue} from '../../../../scripts/model-files/gguf-writer.ts';
import {readConfig} from '../../../../src/engine/model/config.ts';
import type {Gemma4Config} from '../../../../src/engine/model/gemma4/config.ts';
import {type ErrorCode, GemmaError} from '../../../../src/errors.ts';
import {type Changes, changedHeader as headerOf} from '../../../helpers/changed-header.ts';
import {SMALL} from '../../../helpers/engine.ts';

const configOf = async (shape: Gemma4Shape = SMALL, changes?: Changes) =>
  readConfig(await headerOf(shape, changes)) as Gemma4Config;

describe('readConfig', () => {
  it('reads what a layer is from its number and its type', async () => {
    const {layers} = await configOf();
    expect(
      layers.map(({sliding, window, headDim, nHead, nHeadKv, nFf, ropeBase}) =>
        [sliding, window, headDim, nHead, nHeadKv, nFf, ropeBase].join(' '),
      ),
    ).to.deep.equal([
      'true 16 64 4 2 256 10000',
      'true 16 64 4 2 256 10000',
      'false 0 128 4 1 256 1000000',
      'true 16 64 4 2 512 10000',
      'false 0 128 4 1 512 1000000',
    ]);
  });

  it('shares keys and values with the last own layer of the same kind', async () => {
    const {layers} = await configOf(GEMMA4_SHAPES.tiny); // SSFSF SSF
    expect(layers.map(({hasKv, kvSource}) => [hasKv, kvSource])).to.deep.equal([
      [true, 0],
      [true, 1],
      [true, 2],
      [true, 3],
      [true, 4],
      [false, 3],
      [false, 3],
      [false, 4],
    ]);
  });

  it('uses no K/V tensor of a sharing layer, present or not', async () => {
    const shape = GEMMA4_SHAPES['ghost-kv'];
    expect((await headerOf(shape)).tensors.has('blk.3.attn_k.weight')).to.equal(true);
    const {tensors} = await configOf(shape);
    expect(tensors.has('blk.2.attn_k.weight')).to.equal(true);
    expect([...tensors.keys()].filter((name) => /^blk\.[34]\.attn_[kv]/.test(name))).to.deep.equal([]);
  });

  it('takes the keys of full layers for values where none of them has attn_v', async () => {
    const shape = GEMMA4_SHAPES['keys-as-values']; // SSFSF
    const {layers, tensors} = await configOf(shape);
    expect(layers.map(({valuesFromKeys}) => valuesFromKeys)).to.deep.equal([false, false, true, false, true]);
    expect(layers.map(({nHeadKv}) => nHeadKv)).to.deep.equal([4, 4, 2, 4, 2]);
    expect([...tensors.keys()].filter((name) => name.includes('attn_v'))).to.have.length(3);
  });

  it('reads the experts of every layer, and whether gate and up are one tensor', async () => {
    const {layers, tensors} = await configOf(GEMMA4_SHAPES.moe);
    expect(layers.map(({experts}) => experts)).to.deep.equal(
      layers.map((_, i) => ({count: 8, topK: 2, nFf: 256, fused: true, scale: `blk.${i}.ffn_down_exps.scale`})),
    );
    expect(tensors.get('blk.0.ffn_gate_up_exps.weight')!.shape).to.deep.equal([256, 512, 8]);
    const split = await configOf(GEMMA4_SHAPES['moe-split']);
    expect(split.layers.map(({experts}) => experts?.fused)).to.deep.equal([false, false, false]);
    expect([...split.tensors.keys()]).to.include.members(['blk.2.ffn_gate_exps.weight', 'blk.2.ffn_up_exps.weight']);
    expect((await configOf()).layers.map(({experts}) => experts)).to.deep.equal(Array(5).fill(null));
  });

  it("finds the experts' scales under Ollama's older name, and takes missing ones for 1", async () => {
    const scale = 'blk.1.ffn_down_exps.scale';
    const without = await configOf(GEMMA4_SHAPES.moe, {tensor: [scale, null]});
    expect(without.layers.map(({experts}) => experts?.scale === null)).to.deep.equal([false, true, false]);
    const file = await headerOf(GEMMA4_SHAPES.moe);
    const older = 'blk.1.ffn_gate_inp.per_expert_scale';
    const tensors = new Map([...file.tensors].map(([name, tensor]) => [name === scale ? older : name, tensor]));
    const {layers} = readConfig({...file, tensors}) as Gemma4Config;
    expect(layers[1].experts?.scale).to.equal(older);
  });

  it('takes a scalar for every layer', async () => {
    const {layers} = await configOf(GEMMA4_SHAPES['one-kv-head']);
    expect(layers.map(({nFf, nHeadKv}) => [nFf, nHeadKv])).to.deep.equal(layers.map(() => [256, 1]));
  });

  it('tells a tied head from one of its own, and per-layer embeddings from none', async () => {
    expect(await configOf()).to.include({tiedHead: true, nEmbdPerLayer: 32});
    const untied = await configOf({...SMALL, untied: true, nEmbdPerLayer: 0});
    expect(untied).to.include({tiedHead: false, nEmbdPerLayer: 0});
    expect(untied.tensors.has('output.weight')).to.equal(true);
  });

  it('keeps the tensors in file order, whatever that is', async () => {
    const file = await headerOf(SMALL);
    const tensors = new Map([...file.tensors].reverse());
    expect([...readConfig({...file, tensors}).tensors.keys()]).to.deep.equal([...tensors.keys()]);
  });

  it('takes a missing layer_output_scale for 1', async () => {
    const {layers} = await configOf(SMALL, {tensor: ['blk.1.layer_output_scale.weight', null]});
    expect(layers.map(({hasOutputScale}) => hasOutputScale)).to.deep.equal([true, false, true, true, true]);
  });

  it('takes a missing soft cap for 30, and 0 for none', async () => {
    expect(await configOf(SMALL, {metadata: {'gemma4.final_logit_softcapping': null}})).to.include({softcap: 30});
    expect(await configOf(GEMMA4_SHAPES['no-softcap'])).to.include({softcap: 0});
  });

  const refused = (what: string, code: ErrorCode, message: RegExp, changes: Changes, shape: Gemma4Shape = SMALL) =>
    it(`refuses ${what}`, async () => {
      const file = await headerOf(shape, changes);
      expect(() => readConfig(file))
        .to.throw(GemmaError, message)
        .with.property('code', code);
    });

  refused('another architecture', 'architecture-unsupported', /architecture llama; supported: .*gemma4/, {
    metadata: {'general.architecture': 'llama'},
  });
  refused('a name that every object has', 'architecture-unsupported', /architecture constructor/, {
    metadata: {'general.architecture': 'constructor'},
  });
  refused('a vision tower', 'architecture-unsupported', /a file of type mmproj/, {
    metadata: {'general.type': 'mmproj'},
  });
  refused(
    'a missing tensor',
    'tensor-missing',
    /no tensor blk\.1\.ffn_up\.weight; expected one of shape \[256, 256\]/,
    {
      tensor: ['blk.1.ffn_up.weight', null],
    },
  );
  refused('a missing attn_v of a sliding layer', 'tensor-missing', /blk\.0\.attn_v\.weight/, {
    tensor: ['blk.0.attn_v.weight', null],
  });
  refused(
    'a full layer without attn_v beside one that has it',
    'tensor-missing',
    /blk\.2\.attn_v\.weight/,
    {tensor: ['blk.2.attn_v.weight', null]},
    GEMMA4_SHAPES.tiny,
  );
  const experts = (what: string, code: ErrorCode, message: RegExp, changes: Changes) =>
    refused(what, code, message, changes, GEMMA4_SHAPES.moe);
  experts('a router without a count of experts', 'config-invalid', /expert_count is 0; expected 1 or more/, {
    metadata: {'gemma4.expert_count': null},
  });
  experts('more experts used than there are', 'config-invalid', /expert_used_count is 9; expected .* from 1 to 8/, {
    metadata: {'gemma4.expert_used_count': 9},
  });
  experts('a million experts', 'config-invalid', /expert_count is 1000000/, {
    metadata: {'gemma4.expert_count': 1_000_000},
  });
  experts(
    'experts of another number',
    'tensor-shape',
    /ffn_down_exps\.weight has shape \[256, 256, 7\]; expected .* 8\]/,
    {
      tensor: ['blk.0.ffn_down_exps.weight', {shape: [256, 256, 7]}],
    },
  );
  experts('experts without gates', 'tensor-missing', /no tensor blk\.1\.ffn_gate_exps\.weight/, {
    tensor: ['blk.1.ffn_gate_up_exps.weight', null],
  });
  refused('a missing embedding', 'tensor-missing', /token_embd\.weight/, {tensor: ['token_embd.weight', null]});
  refused(
    'a transposed tensor',
    'tensor-shape',
    /blk\.3\.ffn_up\.weight has shape \[512, 256\]; expected \[256, 512\]/,
    {
      tensor: ['blk.3.ffn_up.weight', {shape: [512, 256]}],
    },
  );
  refused('a type without a kernel', 'quant-unsupported', /blk\.0\.attn_q\.weight is IQ1_S; supported here: F32/, {
    tensor: ['blk.0.attn_q.weight', {type: 'IQ1_S'}],
  });
  refused('a quantized norm', 'quant-unsupported', /blk\.0\.attn_norm\.weight is Q8_0; supported here: F32/, {
    tensor: ['blk.0.attn_norm.weight', {type: 'Q8_0'}],
  });

  const invalid = (what: string, message: RegExp, key: string, value: WritableValue | null) =>
    refused(what, 'config-invalid', message, {metadata: {[key]: value}});
  invalid('no block count', /gemma4\.block_count is missing/, 'gemma4.block_count', null);
  invalid('a billion layers', /block_count is 1000000000; expected an integer from 1/, 'gemma4.block_count', 1e9);
  invalid('an array of another length', /is an array of 2 i32/, 'gemma4.feed_forward_length', [1, 2]);
  invalid('a zero epsilon', /rms_epsilon is 0/, 'gemma4.attention.layer_norm_rms_epsilon', 0);
  invalid('values of another width', /value_length is 64; expected 128/, 'gemma4.attention.value_length', 64);
  invalid('heads of no whole vec4s', /is 62; expected a multiple of 4/, 'gemma4.attention.key_length_swa', 62);
  invalid('KV heads that do not divide', /is 3; expected a divisor of 4/, 'gemma4.attention.head_count_kv', 3);
  invalid('sharing with no one of the kind', /leaves layer 2 a full layer/, 'gemma4.attention.shared_kv_layers', 3);
  invalid('sharing by all', /is 5; expected an integer from 0 to 4/, 'gemma4.attention.shared_kv_layers', 5);
});

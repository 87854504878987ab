import {expect} from 'chai';
import type {BaseModel} from '../../../src/adapters/adapter.ts';
import {readPeftAdapter} from '../../../src/adapters/peft-adapter.ts';
import {ggufName, peftModule} from '../../../src/adapters/peft-names.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';
import {rejection} from '../../helpers/fake-worker.ts';
import {json, safetensors} from './adapter-files.ts';

const base: BaseModel = {
  architecture: 'gemma3',
  tensors: new Map([
    ['blk.0.attn_q.weight', {shape: [4, 6]}],
    ['token_embd.weight', {shape: [4, 5]}],
  ]),
};
const count = (n: number): number[] => Array.from({length: n}, (_, i) => i + 1);
const MODULE = 'base_model.model.model.layers.0.self_attn.q_proj';
const Q = [
  {name: `${MODULE}.lora_A.weight`, shape: [2, 4], values: count(8)},
  {name: `${MODULE}.lora_B.weight`, shape: [6, 2], values: count(12)},
];
const CONFIG = {peft_type: 'LORA', r: 2, lora_alpha: 8, bias: 'none', target_modules: ['q_proj'], rank_pattern: {}};
const read = (tensors = Q, config: object = CONFIG) =>
  readPeftAdapter(memorySource(safetensors(tensors), 'adapter_model.safetensors'), json(config), base);

describe('readPeftAdapter', () => {
  it('reads both factors with alpha / rank, or alpha / √rank where the ranks are stabilized', async () => {
    const {a, b, rank, scale} = (await read()).terms.get('blk.0.attn_q.weight')!;
    expect([[...a], [...b], rank, scale]).to.deep.equal([count(8), count(12), 2, 4]);
    const stabilized = await read(Q, {...CONFIG, use_rslora: true});
    expect(stabilized.terms.get('blk.0.attn_q.weight')!.scale).to.equal(8 / Math.SQRT2);
  });

  it('turns an embedding’s factor, so that a token’s values are a row', async () => {
    const module = 'base_model.model.model.embed_tokens';
    const {terms} = await read([
      {name: `${module}.lora_embedding_A`, shape: [2, 5], values: count(10)},
      {name: `${module}.lora_embedding_B`, shape: [4, 2], values: count(8)},
    ]);
    expect([...terms.get('token_embd.weight')!.a]).to.deep.equal([1, 6, 2, 7, 3, 8, 4, 9, 5, 10]);
  });

  for (const [option, value] of Object.entries({
    use_dora: true,
    rank_pattern: {q_proj: 4},
    alpha_pattern: {q_proj: 4},
    modules_to_save: ['lm_head'],
    bias: 'all',
    fan_in_fan_out: true,
    layer_replication: [[0, 1]],
  })) {
    it(`refuses ${option} by name`, async () => {
      const error = await rejection(read(Q, {...CONFIG, [option]: value}));
      expect([error.code, error.message.includes(option)]).to.deep.equal(['adapter-invalid', true]);
    });
  }

  const renamed = (name: string) => Q.map((half) => ({...half, name: half.name.replace(MODULE, name)}));
  const refused: [string, () => Promise<unknown>, RegExp][] = [
    ['a missing half', () => read(Q.slice(0, 1)), /has no factor B/],
    ['a module without a place', () => read(renamed('base_model.model.vision_tower.q_proj')), /no place in the model/],
    ['a layer too many', () => read(renamed('base_model.model.model.layers.7.self_attn.q_proj')), /changes blk\.7/],
    ['a whole module', () => read([...Q, {name: `${MODULE}.weight`, shape: [1], values: [1]}]), /no place/],
    [
      'two prefixes for one tensor',
      () => read([...Q, ...renamed('model.language_model.layers.0.self_attn.q_proj')]),
      /two factors/,
    ],
    ['shapes that do not fit', () => read([Q[0], {...Q[1], shape: [12, 1]}]), /factor b .* is 12 × 1/],
    ['another kind of PEFT', () => read(Q, {...CONFIG, peft_type: 'IA3'}), /peft_type is "IA3"/],
    ['a configuration without alpha', () => read(Q, {...CONFIG, lora_alpha: '8'}), /lora_alpha/],
  ];
  for (const [what, reading, message] of refused) {
    it(`refuses ${what}`, async () => {
      const error = await rejection(reading());
      expect([error.code, message.test(error.message)], error.message).to.deep.equal(['adapter-invalid', true]);
    });
  }

  it('ends in a named error wherever the weights are cut or a byte of the header is changed', async () => {
    const bytes = safetensors(Q);
    for (let i = 0; i < bytes.length; i++) {
      for (const mutant of [bytes.slice(0, i), Uint8Array.from(bytes, (byte, at) => (at === i ? byte ^ 0x11 : byte))]) {
        try {
          await readPeftAdapter(memorySource(mutant, 'mutant'), json(CONFIG), base);
        } catch (error) {
          expect((error as Error).name, String((error as Error).stack)).to.equal('GemmaError');
        }
      }
    }
  });
});

describe('names of modules', () => {
  it('lead from PEFT to GGUF for every class that has a text model', () => {
    for (const prefix of [
      'base_model.model.model.',
      'model.language_model.',
      'language_model.model.',
      'language_model.',
      'model.',
      '',
    ]) {
      expect(ggufName(`${prefix}layers.12.mlp.down_proj`)).to.equal('blk.12.ffn_down.weight');
    }
    expect(ggufName('base_model.model.lm_head')).to.equal('output.weight');
    expect(ggufName('model.layers.1.constructor')).to.equal(null);
  });

  it('lead back', () => {
    for (const tensor of ['blk.3.attn_output.weight', 'blk.0.inp_gate.weight', 'token_embd.weight']) {
      expect(ggufName(peftModule(tensor)!)).to.equal(tensor);
    }
    expect(peftModule('blk.0.attn_norm.weight')).to.equal(null);
  });
});

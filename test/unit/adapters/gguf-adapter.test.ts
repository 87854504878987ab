import {expect} from 'chai';
import type {BaseModel} from '../../../src/adapters/adapter.ts';
import {readGgufAdapter} from '../../../src/adapters/gguf-adapter.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';
import {rejection} from '../../helpers/fake-worker.ts';
import {ggufAdapter, type Half} from './adapter-files.ts';

/** A matrix of 4 inputs and 6 outputs, a table of 5 tokens with 4 values. */
const base: BaseModel = {
  architecture: 'gemma3',
  tensors: new Map([
    ['blk.0.attn_q.weight', {shape: [4, 6]}],
    ['blk.0.ffn_up.weight', {shape: [64, 2]}],
    ['token_embd.weight', {shape: [4, 5]}],
    ['blk.0.ffn_up_exps.weight', {shape: [4, 6, 8]}],
  ]),
};
const count = (n: number, from = 1): number[] => Array.from({length: n}, (_, i) => i + from);
const Q: Half[] = [
  {name: 'blk.0.attn_q.weight.lora_a', shape: [4, 2], values: count(8)},
  {name: 'blk.0.attn_q.weight.lora_b', shape: [2, 6], values: count(12, 9)},
];

describe('readGgufAdapter', () => {
  it('reads both factors row by row, with alpha / rank as the scale', async () => {
    const {terms, name, invocationTokens, ignored} = await readGgufAdapter(ggufAdapter(Q), base);
    expect([name, invocationTokens, ignored, [...terms.keys()]]).to.deep.equal([
      'adapter.gguf',
      [],
      [],
      ['blk.0.attn_q.weight'],
    ]);
    const {a, b, rank, scale} = terms.get('blk.0.attn_q.weight')!;
    expect([[...a], [...b], rank, scale]).to.deep.equal([count(8), count(12, 9), 2, 16]);
  });

  it('leaves the scale to the request where alpha is 0 or missing', async () => {
    const zero = {'adapter.lora.alpha': 0};
    expect((await readGgufAdapter(ggufAdapter(Q, zero), base)).terms.get('blk.0.attn_q.weight')!.scale).to.equal(1);
  });

  it('reads F16, BF16 and Q8_0', async () => {
    const half = (name: string, shape: number[], type: Half['type'], data: Uint8Array): Half => ({
      ...{name, shape, type, data},
      values: [],
    });
    // 1 in F16 is 3c00, in BF16 3f80; a block of Q8_0: d = 1, then 32 times 1.
    const ones = (n: number, low: number, high: number) =>
      Uint8Array.from({length: 2 * n}, (_, i) => (i % 2 ? high : low));
    const block = Uint8Array.from({length: 34}, (_, i) => [0, 0x3c][i] ?? 1);
    const source = ggufAdapter([
      half('blk.0.attn_q.weight.lora_a', [4, 1], 'F16', ones(4, 0, 0x3c)),
      half('blk.0.attn_q.weight.lora_b', [1, 6], 'BF16', ones(6, 0x80, 0x3f)),
      half('blk.0.ffn_up.weight.lora_a', [64, 1], 'Q8_0', Uint8Array.from([...block, ...block])),
      half('blk.0.ffn_up.weight.lora_b', [1, 2], 'F16', ones(2, 0, 0x3c)),
    ]);
    for (const {a, b} of (await readGgufAdapter(source, base)).terms.values()) {
      expect([...a, ...b].every((value) => value === 1)).to.equal(true);
    }
  });

  it('reads the embedding table’s factor, which is stored the other way round', async () => {
    const source = ggufAdapter([
      {name: 'token_embd.weight.lora_a', shape: [2, 5], values: count(10)},
      {name: 'token_embd.weight.lora_b', shape: [2, 4], values: count(8)},
    ]);
    const {a, b, rank} = (await readGgufAdapter(source, base)).terms.get('token_embd.weight')!;
    expect([a.length, b.length, rank]).to.deep.equal([10, 8, 2]);
  });

  it('knows the tokens that activate an adapter, and names the norms it ignores', async () => {
    const norm = {name: 'blk.0.attn_norm.weight', shape: [4], values: count(4)};
    const source = ggufAdapter([...Q, norm], {'adapter.alora.invocation_tokens': new Uint32Array([7, 8])});
    const {invocationTokens, ignored} = await readGgufAdapter(source, base);
    expect([invocationTokens, ignored]).to.deep.equal([[7, 8], ['blk.0.attn_norm.weight']]);
  });

  const [a, b] = Q;
  const refused: [string, Half[], RegExp, Record<string, string>?][] = [
    ['another architecture', Q, /is for "gemma2"; the model is gemma3/, {'general.architecture': 'gemma2'}],
    ['a model', Q, /is no adapter: its general.type is "model"/, {'general.type': 'model'}],
    ['another kind of adapter', Q, /of type "ia3"/, {'adapter.type': 'ia3'}],
    ['a missing half', [a], /has no blk\.0\.attn_q\.weight\.lora_b/],
    [
      'an unknown tensor',
      [
        {...a, name: 'blk.9.attn_q.weight.lora_a'},
        {...b, name: 'blk.9.attn_q.weight.lora_b'},
      ],
      /changes blk\.9/,
    ],
    ['another suffix', [...Q, {...a, name: 'blk.0.attn_q.weight.lora_c'}], /has a tensor .*lora_c/],
    ['inputs that do not fit', [{...a, shape: [2, 2], values: count(4)}, b], /factor a .* is 2 × 2; expected 2 × 4/],
    ['ranks that do not fit', [a, {...b, shape: [3, 6], values: count(18)}], /factor b .* is 6 × 3; expected 6 × 2/],
    [
      'a stack of experts',
      [
        {name: 'blk.0.ffn_up_exps.weight.lora_a', shape: [4, 1, 8], values: count(32)},
        {name: 'blk.0.ffn_up_exps.weight.lora_b', shape: [1, 6, 8], values: count(48)},
      ],
      /experts are not supported/,
    ],
    ['a type that no converter writes', [{...a, type: 'I8', data: new Uint8Array(8)}, b], /is I8; supported/],
    ['values that are not finite', [{...a, values: [Number.NaN, ...count(7)]}, b], /not finite/],
    ['nothing', [], /changes no tensor/],
  ];
  for (const [what, halves, message, metadata] of refused) {
    it(`refuses ${what} by name`, async () => {
      const error = await rejection(readGgufAdapter(ggufAdapter(halves, metadata), base));
      expect([error.code, message.test(error.message)], error.message).to.deep.equal(['adapter-invalid', true]);
    });
  }

  it('ends in a named error wherever a file is cut or a byte of it is changed', async () => {
    const whole = ggufAdapter(Q);
    const bytes = await whole.read(0, whole.size);
    for (let i = 0; i < bytes.length; i += 3) {
      for (const mutant of [bytes.slice(0, i), Uint8Array.from(bytes, (byte, at) => (at === i ? byte ^ 0x55 : byte))]) {
        try {
          await readGgufAdapter(memorySource(mutant, 'mutant.gguf'), base);
        } catch (error) {
          expect((error as Error).name, String((error as Error).stack)).to.equal('GemmaError');
        }
      }
    }
  });
});

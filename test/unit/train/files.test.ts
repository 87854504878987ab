import {expect} from 'chai';
import {unzipSync} from 'fflate';
import type {BaseModel} from '../../../src/adapters/adapter.ts';
import {readGgufAdapter} from '../../../src/adapters/gguf-adapter.ts';
import {readPeftAdapter} from '../../../src/adapters/peft-adapter.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';
import type {WritableAdapter, WritableFactors} from '../../../src/train/files/factors.ts';
import {ggufAdapter} from '../../../src/train/files/gguf.ts';
import {peftAdapter} from '../../../src/train/files/peft.ts';
import {zip} from '../../../src/train/files/zip.ts';
import {learningRateAt} from '../../../src/train/schedule.ts';

const base: BaseModel = {
  architecture: 'gemma3',
  tensors: new Map([
    ['blk.0.attn_q.weight', {shape: [4, 6]}],
    ['blk.11.ffn_down.weight', {shape: [7, 5]}],
    ['token_embd.weight', {shape: [4, 5]}],
  ]),
};

/** Bits that any rounding would change, subnormal numbers and −0 among them. */
function bits(n: number, seed: number): Float32Array<ArrayBuffer> {
  const words = Uint32Array.from({length: n}, (_, i) => (Math.imul(i + seed, 0x9e3779b1) & 0xbfff_ffff) >>> 0);
  words[0] = 0x8000_0000;
  words[1] = 1;
  return new Float32Array(words.buffer);
}

const factors: WritableFactors[] = [
  {tensor: 'blk.0.attn_q.weight', rank: 3, a: bits(12, 1), b: bits(18, 2)},
  {tensor: 'blk.11.ffn_down.weight', rank: 3, a: bits(21, 3), b: bits(15, 4)},
  {tensor: 'token_embd.weight', rank: 3, a: bits(15, 5), b: bits(12, 6)},
];
const adapter: WritableAdapter = {name: 'tone', architecture: 'gemma3', base: 'Gemma 3', alpha: 6, factors};
const joined = (pieces: readonly Uint8Array[], name: string) =>
  memorySource(Uint8Array.from(pieces.flatMap((piece) => [...piece])), name);

function expectSame(terms: ReadonlyMap<string, WritableFactors & {scale: number}>): void {
  expect([...terms.keys()].sort()).to.deep.equal(factors.map(({tensor}) => tensor).sort());
  for (const {tensor, rank, a, b} of factors) {
    const found = terms.get(tensor)!;
    expect([found.rank, found.scale]).to.deep.equal([rank, 2]);
    for (const [one, other] of [
      [found.a, a],
      [found.b, b],
    ] as const) {
      expect(new Uint32Array(one.slice().buffer)).to.deep.equal(new Uint32Array(other.buffer));
    }
  }
}

describe('what is written of an adapter', () => {
  it('is read again bit for bit as GGUF, as llama.cpp names and aligns it', async () => {
    const source = joined(ggufAdapter(adapter), 'tone.gguf');
    expectSame((await readGgufAdapter(source, base)).terms);
    const {tensors, metadata, dataOffset} = await readGguf(source);
    expect(metadata.string('general.name')).to.equal('tone');
    expect(tensors.get('blk.0.attn_q.weight.lora_a')!.shape).to.deep.equal([4, 3]);
    expect(tensors.get('token_embd.weight.lora_a')!.shape).to.deep.equal([3, 5]);
    expect([dataOffset, ...[...tensors.values()].map(({offset}) => offset)].every((at) => at % 32 === 0)).to.equal(
      true,
    );
    expect(source.size % 32).to.equal(0);
  });

  it('is read again bit for bit as PEFT, from an archive with both files', async () => {
    const files = unzipSync(Uint8Array.from(zip(peftAdapter(adapter)).flatMap((piece) => [...piece])));
    expect(Object.keys(files)).to.deep.equal(['adapter_model.safetensors', 'adapter_config.json']);
    const weights = memorySource(files['adapter_model.safetensors'], 'adapter_model.safetensors');
    const config = memorySource(files['adapter_config.json'], 'adapter_config.json');
    expectSame((await readPeftAdapter(weights, config, base)).terms);
    const written = JSON.parse(new TextDecoder().decode(files['adapter_config.json']));
    expect(written).to.deep.include({peft_type: 'LORA', r: 3, lora_alpha: 6, task_type: 'CAUSAL_LM'});
    expect(written.target_modules).to.deep.equal([
      'model.layers.0.self_attn.q_proj',
      'model.layers.11.mlp.down_proj',
      'model.embed_tokens',
    ]);
    expect(new DataView(files['adapter_model.safetensors'].slice(0, 8).buffer).getUint32(0, true) % 8).to.equal(0);
  });

  it('is the same archive at any time', () => {
    expect(zip(peftAdapter(adapter))).to.deep.equal(zip(peftAdapter(adapter)));
  });

  it('refuses as PEFT what no module stands for', () => {
    const odd = {...adapter, factors: [{...factors[0], tensor: 'blk.0.ffn_gate_up_exps.weight'}]};
    expect(() => peftAdapter(odd)).to.throw(/no module in PEFT/);
  });
});

describe('learningRateAt', () => {
  const rates = (schedule: 'constant' | 'linear' | 'cosine', warmup: number, steps: number) =>
    Array.from({length: steps}, (_, step) =>
      Number(learningRateAt(step, {learningRate: 1, schedule, warmup, steps}).toFixed(4)),
    );

  it('rises in the warm-up, and then stays or falls to almost nothing', () => {
    expect(rates('constant', 0, 3)).to.deep.equal([1, 1, 1]);
    expect(rates('linear', 0.25, 8)).to.deep.equal([0.5, 1, 1, 0.8333, 0.6667, 0.5, 0.3333, 0.1667]);
    expect(rates('cosine', 0.2, 5)).to.deep.equal([1, 1, 0.8536, 0.5, 0.1464]);
    expect(rates('cosine', 0, 1)).to.deep.equal([1]);
    expect(rates('linear', 1, 4)).to.deep.equal([0.25, 0.5, 0.75, 1]);
  });
});

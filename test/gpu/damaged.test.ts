// Files whose header is right and whose tensor data are not: whatever the bytes, loading and every step end, and what is
// sampled is a token or a clean error.
import {expect} from 'chai';
import type {ModelSpec} from '../../scripts/model-files/model.ts';
import {toF16} from '../../scripts/model-files/quantize.ts';
import {type Random, seededRandom} from '../../scripts/model-files/random.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {createSampler} from '../../src/engine/sampling/sampler.ts';
import {type ErrorCode, GemmaError} from '../../src/errors.ts';
import {ggmlType, halfOffsets} from '../../src/gguf/ggml-types.ts';
import type {GgufFile, TensorInfo} from '../../src/gguf/gguf-file.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {testModel} from '../helpers/engine.ts';
import {pipelinesOf, withDevice} from '../helpers/gpu.ts';

/** Changes some of a tensor's bytes. */
type Damage = (tensor: TensorInfo, data: DataView, random: Random) => void;

const isVector = ({shape}: TensorInfo) => shape.length === 1;

/** Bytes of noise, everywhere. */
const noise: Damage = (_, data, random) => {
  for (let i = 0; i < data.byteLength; i++) data.setUint8(i, random.u32() & 255);
};

/** A hundredth of the bytes. */
const scattered: Damage = (_, data, random) => {
  for (let i = 0; i < data.byteLength / 100; i++) {
    data.setUint8(Math.floor(random.uniform() * data.byteLength), random.u32() & 255);
  }
};

/** Every scale of blocks, or value of plain types, is this number. */
const scales =
  (value: number): Damage =>
  ({type, ...tensor}, data, random) => {
    if (isVector({type, ...tensor})) return;
    const {blockBytes, blockSize} = ggmlType(type);
    for (let at = 0; at < data.byteLength; at += blockBytes) {
      if (type === 'F32') data.setFloat32(at, value, true);
      else if (type === 'BF16') data.setUint16(at, Number.isNaN(value) ? 0x7fc0 : 0x7f80, true);
      else if (type === 'MXFP4') data.setUint8(at, 255);
      else
        for (const field of blockSize === 1 ? [0] : halfOffsets(type)) data.setUint16(at + field, toF16(value), true);
      if (random.u32() % 8 > 0) at += 7 * blockBytes; // a few are enough to reach every sum
    }
  };

/** Norms, scales and RoPE factors are this number. */
const vectors =
  (value: number): Damage =>
  (tensor, data) => {
    if (isVector(tensor)) for (let at = 0; at < data.byteLength; at += 4) data.setFloat32(at, value, true);
  };

/** The bytes of one part of the file are zero, as after a download that was patched together. */
const zeroed: Damage = (tensor, data) => {
  if (/ffn|attn_k/.test(tensor.name)) for (let i = 0; i < data.byteLength; i++) data.setUint8(i, 0);
};

async function damagedModel(
  spec: ModelSpec,
  damage: Damage,
  seed: number,
): Promise<{bytes: Uint8Array; file: GgufFile}> {
  const model = await testModel(spec);
  const bytes = model.bytes.slice();
  const random = seededRandom(seed);
  for (const tensor of model.file.tensors.values()) {
    damage(tensor, new DataView(bytes.buffer, tensor.offset, tensor.byteLength), random);
  }
  return {bytes, file: await readGguf(memorySource(bytes))};
}

/** `refused` when it does not load, or how many of three samples were tokens; anything but a clean error is thrown. */
async function live(device: GPUDevice, spec: ModelSpec, damage: Damage, seed: number): Promise<number | 'refused'> {
  const {bytes, file} = await damagedModel(spec, damage, seed);
  const clean = (error: unknown, ...codes: ErrorCode[]) => {
    if (error instanceof GemmaError && codes.includes(error.code)) return;
    throw error;
  };
  let engine: Awaited<ReturnType<typeof loadEngine>>;
  try {
    engine = await loadEngine(memorySource(bytes), file, device, {
      contextLength: 64,
      maxSequences: 2,
      pipelines: pipelinesOf(device),
    });
  } catch (error) {
    clean(error, 'gguf-invalid');
    return 'refused';
  }
  try {
    const sequence = engine.createSequence();
    const sampler = createSampler({seed, logprobs: true, topLogprobs: 5, repetitionPenalty: 1.3});
    const tokens = [2, 5, 700, 33, 512];
    let sampled = 0;
    for (const chunk of [tokens, [1], [2]]) {
      const [[row]] = await engine.step([{sequence, tokens: chunk, logits: 'last'}]);
      expect(row.length).to.equal(engine.vocabSize);
      try {
        const {id, logprob} = sampler.sample(row, tokens);
        expect(id).to.be.within(0, engine.vocabSize - 1);
        expect(logprob).to.be.at.most(0);
        sampled++;
      } catch (error) {
        clean(error, 'internal');
      }
    }
    return sampled;
  } finally {
    engine.destroy();
  }
}

describe('a damaged file', function () {
  this.timeout(120_000); // software adapters

  // Both mixtures hold all block types; a mixture of experts chooses by what it computes.
  const cases: [string, ModelSpec, Damage, number][] = [
    ['noise everywhere', {type: 'mixed'}, noise, 1],
    ['noise everywhere', {type: 'assorted'}, noise, 2],
    ['noise everywhere', {shape: 'moe', type: 'Q4_0'}, noise, 4],
    ['scales that are no numbers', {type: 'assorted'}, scales(Number.NaN), 8],
    ['scattered bytes', {type: 'mixed'}, scattered, 6],
    ['infinite scales', {type: 'mixed'}, scales(Number.POSITIVE_INFINITY), 9],
    ['values that are no numbers', {type: 'F32'}, scales(Number.NaN), 10],
    ['infinite norms', {shape: 'moe', type: 'Q4_0'}, vectors(Number.NEGATIVE_INFINITY), 12],
    ['enormous norms', {type: 'mixed'}, vectors(3e38), 13],
  ];
  for (const [what, spec, damage, seed] of cases) {
    it(
      `of ${what} ends in an error or in tokens: ${spec.shape ?? 'small'} ${spec.type}`,
      withDevice(async (device) => {
        await live(device, spec, damage, seed);
      }),
    );
  }

  // Without a soft cap no number stays none; a cap makes the same of all.
  for (const shape of ['no-softcap', 'tiny'] as const) {
    it(
      `whose norms are no numbers is refused when it is loaded: ${shape}`,
      withDevice(async (device) => {
        expect(await live(device, {shape, type: 'F32'}, vectors(Number.NaN), 1)).to.equal('refused');
      }),
    );
  }

  it(
    'that lost a part still runs',
    withDevice(async (device) => {
      expect(await live(device, {type: 'F32'}, zeroed, 1)).to.equal(3);
    }),
  );
});

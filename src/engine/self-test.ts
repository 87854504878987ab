// Known answers at load: a device that computes wrongly is found before it writes a word. Two checks: the kernels with
// hard arithmetic against float64 on small data, and the loaded model against itself. Knows no file.
import {GemmaError, hasCode} from '../errors.ts';
import {dequantizeRow} from '../gguf/dequantize.ts';
import {type GgmlTypeName, ggmlType, halfOffsets, rowBytes} from '../gguf/ggml-types.ts';
import {BufferPool} from '../gpu/buffers.ts';
import {guarded} from '../gpu/device.ts';
import type {PipelineCache} from '../gpu/pipelines.ts';
import {Recorder} from '../gpu/recorder.ts';
import type {Engine, Sequence} from './engine.ts';
import {
  attend,
  geglu as gegluF64,
  rmsNorm as rmsNormF64,
  softcap as softcapF64,
  topExperts as topExpertsF64,
} from './float64.ts';
import {attention, geglu, isWeightType, mulMat, rmsNorm, softcap, topExperts} from './kernels/kernels.ts';
import {interleaveRows, rowWords} from './kernels/weight-layout.ts';
import {PAGE_SIZE} from './kv/pages.ts';
import type {Choice} from './sampling/choice.ts';
import {createSampler} from './sampling/sampler.ts';
import {packRows, packStep} from './step-data.ts';

/** One kernel's output and what it should be, each value within its own tolerance. */
interface Case {
  kernel: string;
  output: GPUBuffer;
  expected: Float64Array;
  tolerance: Float64Array | number;
}

const N = 256; // values of a row: every block size divides it

/**
 * Runs mul_mat of every weight type given, rms_norm, geglu, softcap and attention once, and for models with `experts`
 * top_experts, in one submit.
 * @throws GemmaError `shader-invalid` naming the first kernel that is wrong, or does not compile.
 */
export async function checkKernels(
  device: GPUDevice,
  pipelines: PipelineCache,
  types: Iterable<GgmlTypeName>,
  {experts = false} = {},
): Promise<void> {
  const pool = new BufferPool(device);
  try {
    const {cases, compiled} = await guarded(device, () => {
      const recorder = new Recorder<null>(device, pipelines);
      const cases = [
        ...[...types].map((type) => mulMatCase(recorder, pool, type)),
        rmsNormCase(recorder, pool),
        gegluCase(recorder, pool),
        softcapCase(recorder, pool),
        attentionCase(recorder, pool),
        ...(experts ? [topExpertsCase(recorder, pool)] : []),
      ];
      const compiled = recorder.finish();
      compiled.catch(() => undefined);
      return {cases, compiled};
    });
    const recording = await compiled;
    const total = cases.reduce((bytes, {expected}) => bytes + 4 * expected.length, 0);
    const staging = pool.create('self-test', 'scratch', total, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    const encoder = device.createCommandEncoder();
    recording.replay(encoder, null);
    let at = 0;
    for (const {output, expected} of cases) {
      encoder.copyBufferToBuffer(output, 0, staging, at, 4 * expected.length);
      at += 4 * expected.length;
    }
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(staging.getMappedRange());
    at = 0;
    for (const one of cases) {
      compare(one, values.subarray(at, at + one.expected.length));
      at += one.expected.length;
    }
  } finally {
    pool.destroy();
  }
}

/**
 * How far a prompt's logits may be from those of the same token alone, as a part of the largest: other kernels compute
 * them, with f32 sums in another order. Measured: 1e-5. A wrong kernel is off by a multiple of the logits.
 */
const KINDS_TOLERANCE = 1e-3;

/**
 * Two tokens as a prompt, the first of them alone, then both alone beside each other: the logits must be different
 * numbers, the first's the same bit for bit alone and beside the other, and nearly those of the prompt. Also the first
 * steps, which on many drivers are the slow ones.
 * @throws GemmaError `gguf-invalid` when they are no such numbers: the kernels were found right before, so the weights are
 *   damaged; `shader-invalid` when they differ
 */
export async function checkRun(engine: Engine): Promise<void> {
  const tokens = [Math.min(2, engine.vocabSize - 1), engine.vocabSize - 1];
  const size = Math.min(2, engine.chunkSize, engine.contextLength);
  const run = async (inputs: readonly (readonly number[])[]): Promise<Float32Array[]> => {
    const sequences: Sequence[] = [];
    try {
      for (const _ of inputs) sequences.push(engine.createSequence());
      const steps = inputs.map((tokens, i) => ({sequence: sequences[i], tokens, logits: 'all'}) as const);
      return (await engine.step(steps)).flat();
    } finally {
      for (const sequence of sequences) sequence.free();
    }
  };
  const prompt = await run([tokens.slice(0, size)]);
  prompt.forEach(checkNumbers);
  const [alone] = await run([tokens.slice(0, 1)]);
  checkNumbers(alone);
  const largest = alone.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
  compareLogits(prompt[0], alone, 'in a prompt', KINDS_TOLERANCE * largest);
  if (size < 2) return;
  // An engine with room for one sequence has nothing to compare.
  const beside = await run([tokens.slice(0, 1), tokens.slice(1)]).catch((error: unknown) => {
    if (!hasCode(error, 'out-of-memory')) throw error;
  });
  if (beside) compareLogits(beside[0], alone, 'in a batch', 0);
}

/** What the check of sampling needs of an engine. */
type SamplingEngine = Pick<Engine, 'createSequence' | 'step' | 'contextLength'>;

/**
 * Whether the engine's GPU chooses the tokens that the CPU takes from the same logits: the likeliest, and some that are
 * drawn, one after the other as in an answer. An engine that does not choose on the GPU is right.
 */
export async function samplesRight(engine: SamplingEngine): Promise<boolean> {
  const requests = [
    {temperature: 0, seed: 1},
    {seed: 2, rngOffset: 2 ** 31},
  ];
  for (const request of requests) {
    const sampler = createSampler(request);
    const sequences = [engine.createSequence(), engine.createSequence()];
    try {
      const tokens = [1];
      for (let i = 0; i < Math.min(3, engine.contextLength); i++) {
        const token = tokens.slice(-1);
        const [[logits]] = await engine.step([{sequence: sequences[0], tokens: token, logits: 'last'}]);
        const choice: Choice = {settings: sampler.settings};
        await engine.step([{sequence: sequences[1], tokens: token, logits: 'last', choice}]);
        const {id} = sampler.sample(logits, tokens);
        if (choice.error || (choice.sample && choice.sample.id !== id)) return false;
        tokens.push(id);
      }
    } finally {
      for (const sequence of sequences) sequence.free();
    }
  }
  return true;
}

function compareLogits(found: Float32Array, alone: Float32Array, where: string, tolerance: number): void {
  for (let i = 0; i < alone.length; i++) {
    // Suppressed tokens are −∞ in both.
    if (found[i] === alone[i] || Math.abs(found[i] - alone[i]) <= tolerance) continue;
    throw wrong('the model', `logit ${i} is ${found[i]} ${where} and ${alone[i]} alone`);
  }
}

/** Numbers, but for suppressed tokens, and not all the same: a soft cap makes a number even of what is none. */
function checkNumbers(logits: Float32Array): void {
  let differ = logits.length === 1;
  let first = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    const suppressed = logits[i] === Number.NEGATIVE_INFINITY;
    if (!suppressed && !Number.isFinite(logits[i])) throw damaged(`that of token ${i} is ${logits[i]}`);
    if (first === Number.NEGATIVE_INFINITY) first = logits[i];
    else if (!suppressed && logits[i] !== first) differ = true;
  }
  if (!differ) throw damaged(`all are ${first}`);
}

/** 2 rows of x, 12 outputs: one tile of outputs and a half. */
function mulMatCase(recorder: Recorder<null>, pool: BufferPool, type: GgmlTypeName): Case {
  const outputs = 12;
  if (!isWeightType(type)) throw new GemmaError('internal', `no kernel multiplies ${type}`);
  const bytes = new Uint8Array(outputs * rowBytes(type, N));
  const x = waves(2 * N);
  const expected = new Float64Array(2 * outputs);
  const tolerance = new Float64Array(2 * outputs);
  for (let o = 0; o < outputs; o++) {
    const row = bytes.subarray(o * rowBytes(type, N), (o + 1) * rowBytes(type, N));
    fillRow(type, row, o);
    const weights = new Float32Array(N);
    dequantizeRow(type, row, weights);
    for (let i = 0; i < 2 * N; i++) {
      const at = Math.floor(i / N) * outputs + o;
      const product = weights[i % N] * x[i];
      expected[at] += product;
      // f32 sums in an unknown order: each of the 256 additions may lose 2^-24 of what has been summed.
      tolerance[at] += Math.abs(product) * 2 ** -17;
    }
  }
  const y = pool.create(`self-test ${type}`, 'scratch', 4 * expected.length);
  recorder.add(
    mulMat[type],
    {N_IN: N, N_SLICE_ROWS: outputs, N_OUT: outputs, ROW_STRIDE_WORDS: rowWords(type, N)},
    {
      step: stepBuffer(pool, 2),
      x: pool.createFrom('self-test x', 'scratch', x),
      weight: pool.createFrom('self-test weight', 'scratch', interleaveRows(type, N, bytes, outputs)),
      y,
    },
    () => ({nRows: 2}),
  );
  return {kernel: mulMat[type].name, output: y, expected, tolerance};
}

function rmsNormCase(recorder: Recorder<null>, pool: BufferPool): Case {
  const x = waves(N);
  const weight = waves(N, 2);
  const y = pool.create('self-test y', 'scratch', 4 * N);
  const buffers = {x: pool.createFrom('x', 'scratch', x), weight: pool.createFrom('weight', 'scratch', weight), y};
  recorder.add(rmsNorm, {N, EPS: 1e-6}, buffers, () => ({nRows: 1}));
  return {kernel: rmsNorm.name, output: y, expected: rmsNormF64(Float64Array.from(x), 1e-6, weight), tolerance: 1e-5};
}

/** Gates where tanh through exp overflows, and where 1 + tanh cancels. */
function gegluCase(recorder: Recorder<null>, pool: BufferPool): Case {
  const gate = Float32Array.of(-1000, -40, -5, -1, -0.01, 0, 0.01, 1, 5, 40, 1000, 0.5);
  const up = new Float32Array(gate.length).fill(0.5);
  const y = pool.create('self-test y', 'scratch', gate.byteLength);
  const buffers = {
    gate: pool.createFrom('gate', 'scratch', gate),
    up: pool.createFrom('up', 'scratch', up),
    up_offset: pool.createFrom('offset', 'scratch', Float32Array.of(0)),
    y,
  };
  recorder.add(geglu, {N: gate.length, UP_STRIDE: gate.length}, buffers, () => ({nRows: 1}));
  const expected = gegluF64(Float64Array.from(gate), Float64Array.from(up));
  return {kernel: geglu.name, output: y, expected, tolerance: expected.map((value) => 1e-5 + 1e-6 * Math.abs(value))};
}

function softcapCase(recorder: Recorder<null>, pool: BufferPool): Case {
  const x = Float32Array.of(-10_000, -100, -30, -1, -1e-3, 0, 1e-3, 1, 30, 100, 10_000, 3);
  const y = pool.createFrom('self-test y', 'scratch', x);
  recorder.add(softcap, {N: x.length, CAP: 30}, {y}, () => ({nRows: 1}));
  return {kernel: softcap.name, output: y, expected: softcapF64(Float64Array.from(x), 30), tolerance: 1e-4};
}

/** Position 39 with a window of 36, two heads on one KV head, two pages in reverse order in the pool. */
function attentionCase(recorder: Recorder<null>, pool: BufferPool): Case {
  const shape = {nHead: 2, nHeadKv: 1, headDim: 32, window: 36, scale: 1, softcap: 0};
  const position = 39;
  // Small scores, so that every key counts: one key too many or too few must change the result.
  const q = waves(shape.nHead * shape.headDim, 3).map((value) => 0.1 * value);
  const keys = waves(2 * PAGE_SIZE * shape.headDim, 4);
  const values = waves(2 * PAGE_SIZE * shape.headDim, 5);
  const rowOf = (data: Float32Array) => (_: unknown, p: number) => {
    const slot = ((1 - Math.floor(p / PAGE_SIZE)) * PAGE_SIZE + (p % PAGE_SIZE)) * shape.headDim;
    return Float64Array.from(data.subarray(slot, slot + shape.headDim));
  };
  const positions = Array.from({length: position + 1});
  const expected = attend(
    Float64Array.from(q),
    positions.map(rowOf(keys)),
    positions.map(rowOf(values)),
    position,
    shape,
  );
  const y = pool.create('self-test y', 'scratch', 4 * expected.length);
  recorder.add(
    attention,
    {N_HEAD: shape.nHead, N_HEAD_KV: 1, HEAD_DIM: shape.headDim, SCALE: 1, WINDOW: shape.window, PAGE_SIZE},
    {
      step: stepBuffer(pool, 1),
      rows: pool.createFrom('rows', 'scratch', packRows([{position}])),
      page_tables: pool.createFrom('page tables', 'scratch', Uint32Array.of(1, 0)),
      q: pool.createFrom('q', 'scratch', q),
      k: pool.createFrom('k', 'scratch', keys),
      v: pool.createFrom('v', 'scratch', values),
      y,
    },
    () => ({nRows: 1}),
  );
  return {kernel: attention.name, output: y, expected, tolerance: 1e-5};
}

/** More experts than a workgroup has invocations, two of them equal. Every expert has its own scale, so the result shows which were chosen. */
function topExpertsCase(recorder: Recorder<null>, pool: BufferPool): Case {
  const [count, used, factor] = [70, 4, 0.5];
  const logits = waves(count, 6);
  logits[66] = logits[3] = 2;
  const scale = waves(count, 7);
  const chosen = topExpertsF64(
    Float64Array.from(logits, (value) => factor * value),
    used,
  );
  const weights = pool.create('self-test y', 'scratch', 4 * used);
  recorder.add(
    topExperts,
    {N_EXPERT: count, USED: used, SCALE: factor},
    {
      step: stepBuffer(pool, 1),
      logits: pool.createFrom('logits', 'scratch', logits),
      expert_scale: pool.createFrom('expert scale', 'scratch', scale),
      experts: pool.create('experts', 'scratch', 4 * used),
      weights,
    },
    () => ({nRows: 1}),
  );
  const expected = Float64Array.from(chosen, ({expert, weight}) => weight * scale[expert]);
  return {kernel: topExperts.name, output: weights, expected, tolerance: 1e-5};
}

function stepBuffer(pool: BufferPool, nRows: number): GPUBuffer {
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  return pool.createFrom('step', 'scratch', packStep({nRows}), usage);
}

/** Values of order one that no two indices share. */
function waves(length: number, phase = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from({length}, (_, i) => Math.sin(phase + 1.7 * i) + 0.3 * Math.cos(0.31 * i * phase));
}

/** Any quants and scales a row may hold, with block factors of order one. */
function fillRow(type: GgmlTypeName, row: Uint8Array, seed: number): void {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const {blockBytes} = ggmlType(type);
  if (type === 'F32') for (let i = 0; i < N; i++) view.setFloat32(4 * i, Math.sin(seed + 0.7 * i), true);
  // Sign, an exponent around one, and a mantissa.
  else if (type === 'F16') for (let i = 0; i < N; i++) view.setUint16(2 * i, halfLike(i, seed, 0x3400, 0x7ff), true);
  else if (type === 'BF16') for (let i = 0; i < N; i++) view.setUint16(2 * i, halfLike(i, seed, 0x3e80, 0xff), true);
  else {
    for (let i = 0; i < row.length; i++) row[i] = Math.imul(i + 1, 2654435761 + 2 * seed) >>> 13;
    for (let block = 0; block < row.length; block += blockBytes) {
      for (const at of halfOffsets(type)) view.setUint16(block + at, 0x2466 + 16 * seed, true); // about 0.017
      if (type === 'MXFP4') row[block] = 120 + (seed % 8);
    }
  }
}

function halfLike(i: number, seed: number, exponent: number, mantissa: number): number {
  return ((i & 1) << 15) | (exponent + (Math.imul(i + 7 * seed, 37) & mantissa));
}

function compare({kernel, expected, tolerance}: Case, found: Float32Array): void {
  expected.forEach((value, i) => {
    const allowed = typeof tolerance === 'number' ? tolerance : tolerance[i];
    // Written so that NaN is wrong.
    if (!(Math.abs(found[i] - value) <= allowed)) throw wrong(kernel, `value ${i} is ${found[i]}, expected ${value}`);
  });
}

function damaged(found: string): GemmaError {
  return new GemmaError(
    'gguf-invalid',
    `the model's logits mean nothing: ${found}. The file's weights are damaged: get the file again`,
    {detail: {found}},
  );
}

function wrong(what: string, found: string): GemmaError {
  return new GemmaError(
    'shader-invalid',
    `this GPU or its driver computes wrongly: in the self-test of ${what}, ${found}. Update the driver or the browser, or use another device`,
    {detail: {kernel: what}},
  );
}

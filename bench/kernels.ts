// `npm run bench -- kernels [part of a name] [--rounds 5] [--dispatches 20] [--context 1024]`: microseconds and GB/s of every
// kernel at Gemma 3 1B's and Gemma 4 E2B's shapes, in Node over Dawn. GB/s counts what a perfect kernel would move: weights
// once, inputs once, outputs once.
import {parseArgs} from 'node:util';
import {findGpu} from '../scripts/lib/gpu.ts';
import {noise} from '../scripts/lib/noise.ts';
import {
  attentionMerge,
  attentionSplit,
  attentionSplitSubgroup,
  headQuads,
  type KeyShape,
  maxSplits,
  splitBatch,
} from '../src/engine/kernels/attention_split.ts';
import {attentionTiled} from '../src/engine/kernels/attention_tiled.ts';
import * as kernels from '../src/engine/kernels/kernels.ts';
import {RESULT_WORDS, SAMPLER_STATE_WORDS, sample, sampleBlocks, topCandidates} from '../src/engine/kernels/sample.ts';
import {rowWords} from '../src/engine/kernels/weight-layout.ts';
import {packSamplerState} from '../src/engine/sampling/sampler-state.ts';
import {completeSettings} from '../src/engine/sampling/settings.ts';
import {packRows, packStep} from '../src/engine/step-data.ts';
import {requestDevice} from '../src/gpu/device.ts';
import {type Constants, completeConstants, type Kernel} from '../src/gpu/kernel.ts';
import {PipelineCache} from '../src/gpu/pipelines.ts';
import {bind} from '../src/gpu/recorder.ts';

const PAGE_SIZE = 32;
/** Keys that attention is over. */
let context = 1024;

/** One line of the table: makes its buffers and gives the work of one dispatch. */
interface Row {
  name: string;
  bytes: number;
  prepare(device: GPUDevice, pipelines: PipelineCache): Promise<Prepared>;
}

interface Prepared {
  dispatch(pass: GPUComputePassEncoder): void;
  destroy(): void;
}

/**
 * `sizes`: bytes a binding, or its contents; bindings of step data (step, rows, page_tables, output_rows) are filled in.
 * `moved`: bytes that must move, where that is not all of them.
 */
function row<B extends string, C extends string>(
  label: string,
  kernel: Kernel<B, C, KeyShape>,
  constants: Constants<C>,
  nRows: number,
  sizes: Partial<Record<B, number | Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>>,
  moved?: number,
): Row {
  const bytesOf = (size: number | ArrayBufferView | undefined) =>
    typeof size === 'object' ? size.byteLength : (size ?? 0);
  const all = Object.values<number | ArrayBufferView | undefined>(sizes).reduce<number>(
    (sum, x) => sum + bytesOf(x),
    0,
  );
  return {
    name: `${kernel.name} ${label}`,
    bytes: moved ?? all,
    async prepare(device, pipelines) {
      const buffers = {} as Record<B, GPUBuffer>;
      for (const {name, access} of kernel.bindings) {
        const given = sizes[name as B];
        const data = typeof given === 'object' ? given : stepBuffers(nRows)[name];
        const usage = access === 'uniform' ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE;
        const size = Math.max(16, Math.ceil((data?.byteLength ?? bytesOf(given)) / 16) * 16);
        const buffer = device.createBuffer({size, usage: usage | GPUBufferUsage.COPY_DST});
        if (data) device.queue.writeBuffer(buffer, 0, data);
        buffers[name as B] = buffer;
      }
      const pipeline = await pipelines.get(kernel, constants);
      const bindGroup = bind(device, pipelines, kernel, constants, buffers);
      const grid = kernel.grid({nRows, nKeys: context}, completeConstants(kernel, constants));
      return {
        dispatch(pass) {
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, bindGroup);
          pass.dispatchWorkgroups(...grid);
        },
        destroy() {
          for (const buffer of Object.values<GPUBuffer>(buffers)) buffer.destroy();
        },
      };
    },
  };
}

/** Every row is its own sequence of `context` tokens; all share one page table. */
function stepBuffers(nRows: number): Record<string, Uint32Array<ArrayBuffer> | undefined> {
  return {
    step: packStep({nRows}),
    rows: packRows(Array.from({length: nRows}, (_, r) => ({token: r, position: context - 1 - r}))),
    page_tables: Uint32Array.from({length: context / PAGE_SIZE}, (_, i) => i),
    output_rows: Uint32Array.from({length: nRows}, (_, i) => i),
    // As mul_mat_id's rows below: eight of sixteen.
    experts: Uint32Array.from({length: 8 * nRows}, (_, i) => (5 * (i >> 3) + 2 * (i & 7)) % 16),
  };
}

function rows(): Row[] {
  const list: Row[] = [];
  for (const n of [1, 64]) {
    const at = (...shape: number[]) => `[${n}][${shape.join('][')}]`;
    const f32 = (...shape: number[]) => 4 * n * shape.reduce((a, b) => a * b, 1);
    for (const type of kernels.WEIGHT_TYPES) {
      // Gemma 4 E2B's ffn_up.
      const [nIn, nOut] = [1536, 6144];
      const stride = 4 * rowWords(type, nIn);
      const slice = {N_SLICE_ROWS: nOut, ROW_STRIDE_WORDS: stride / 4};
      const sizes = {x: f32(nIn), weight: nOut * stride, y: f32(nOut)};
      list.push(row(`${at(nIn)} → ${nOut}`, kernels.mulMat[type], {N_IN: nIn, N_OUT: nOut, ...slice}, n, sizes));
      list.push(row(at(nIn), kernels.getRows[type], {N: nIn, ...slice}, n, {weight: n * stride, y: f32(nIn)}));
      list.push(expertRow(type, n));
    }
    if (n === 1) list.push(...fusedRows());
    for (const [heads, kvHeads, headDim] of [
      [4, 1, 256],
      [8, 1, 512],
    ] as const) {
      const cache = 4 * context * kvHeads * headDim;
      const constants = {N_HEAD: heads, N_HEAD_KV: kvHeads, HEAD_DIM: headDim, SCALE: 1};
      const sizes = {q: f32(heads, headDim), k: cache, v: cache, y: f32(heads, headDim)};
      list.push(row(`${at(heads, headDim)} over ${context} keys`, kernels.attention, constants, n, sizes));
      const tiled = {N_HEAD: heads, N_HEAD_KV: kvHeads, QUADS: headDim / 4, SCALE: 1};
      list.push(row(`${at(heads, headDim)} over ${context} keys`, attentionTiled, tiled, n, sizes));
      if (n <= 8) {
        const layer = {nHead: heads, nHeadKv: kvHeads, headDim, window: 0};
        const MAX_SPLITS = maxSplits(layer, context);
        const split = {...tiled, HEAD_QUADS: headQuads(layer), MAX_SPLITS};
        const parts = splitBatch(layer, context, n).bytes;
        const splitSizes = {...sizes, partial: parts};
        const label = `${at(heads, headDim)} over ${context} keys`;
        for (const kernel of [attentionSplit, attentionSplitSubgroup]) {
          list.push(row(label, kernel, split, n, splitSizes, 2 * cache));
        }
        const merge = {N_HEAD: heads, HEAD_DIM: headDim, MAX_SPLITS};
        list.push(row(label, attentionMerge, merge, n, {partial: parts, y: sizes.y}));
      }
      const table = 4 * kernels.ropeTable(headDim, 1e6, context).length;
      const rotated = {x: f32(heads, headDim), y: f32(heads, headDim), frequencies: table};
      list.push(row(at(heads, headDim), kernels.rope, {N_HEAD: heads, HEAD_DIM: headDim}, n, rotated, 2 * rotated.x));
    }
    const width = {x: f32(1536), weight: 4 * 1536, y: f32(1536)};
    list.push(row(at(1536), kernels.rmsNorm, {N: 1536, EPS: 1e-6}, n, width));
    const three = {a: f32(1536), b: f32(1536), scale: 4, y: f32(1536)};
    list.push(row(at(1536), kernels.addScaled, {N: 1536}, n, three));
    const gated = {gate: f32(6144), up: f32(6144), up_offset: 4, y: f32(6144)};
    list.push(row(at(6144), kernels.geglu, {N: 6144, UP_STRIDE: 6144}, n, gated));
    const inPlace = {up: f32(6144), up_offset: 4, y: f32(6144)};
    const both = 3 * f32(6144);
    list.push(row(at(6144), kernels.gegluInPlace, {N: 6144, UP_STRIDE: 6144}, n, inPlace, both));
    // 26B-A4B's router and the sum of its experts.
    const routed = {logits: f32(128), expert_scale: 4 * 128, experts: f32(8), weights: f32(8)};
    list.push(row(at(128), kernels.topExperts, {N_EXPERT: 128, USED: 8}, n, routed));
    const spoken = {x: f32(8, 2816), weights: f32(8), y: f32(2816)};
    list.push(row(at(8, 2816), kernels.sumExperts, {N: 2816, USED: 8}, n, spoken));
    // Gemma 2's attention bends its scores; Gemma 3n E2B's streams and sparse gates.
    const capped = {N_HEAD: 8, N_HEAD_KV: 4, HEAD_DIM: 256, SCALE: 1 / 16, SOFTCAP: 50};
    const scores = {q: f32(8, 256), k: 4 * context * 4 * 256, v: 4 * context * 4 * 256, y: f32(8, 256)};
    list.push(row(`${at(8, 256)} over ${context} keys, soft cap`, kernels.attention, capped, n, scores));
    const streams = {active_stream: f32(2048), others: f32(3, 2048)};
    const altup = {N: 2048, COEF_SCALE: 1};
    // The streams are read and written.
    const predicted = 8 * f32(2048) + f32(16);
    list.push(row(at(4, 2048), kernels.altupPredict, altup, n, {...streams, coefs: f32(16)}, predicted));
    const correction = {...streams, activated: f32(2048), coefs: f32(4), scale: 4 * 2048, scaled: f32(2048)};
    list.push(row(at(4, 2048), kernels.altupCorrect, altup, n, correction, 10 * f32(2048) + f32(4) + 4 * 2048));
    const matched = {x: f32(2048), target_rows: f32(2048), y: f32(2048)};
    list.push(row(at(2048), kernels.matchRms, {N: 2048, EPS: 1e-5}, n, matched));
    list.push(row(at(8192), kernels.gaussianTopk, {N: 8192, KAPPA: 1.64}, n, {x: f32(8192), y: f32(8192)}));
    list.push(row(at(1536), kernels.copyRows, {N: 1536}, n, {x: f32(1536), y: f32(1536)}));
    list.push(row(at(256), kernels.kvWrite, {WIDTH: 256}, n, {src: f32(256), cache: 4 * context * 256}, 2 * f32(256)));
  }
  // Prompts: Gemma 4 E2B's feed-forward, 1B's and 270M's.
  for (const [nIn, nOut] of [
    [1536, 12288],
    [6144, 1536],
    [1152, 6912],
    [640, 2048],
  ]) {
    for (const type of ['Q4_0', 'Q8_0'] as const) list.push(...tiledRows(type, 512, nIn, nOut));
  }
  list.push(...tiledRows('Q4_0', 512, 6144, 1536, 256));
  // A row of logits a sampled sequence; 64 of them do not occur.
  list.push(row('[1][262144]', kernels.softcap, {N: 262144, CAP: 30}, 1, {y: 4 * 262144}, 8 * 262144));
  // A token of a vocabulary, with the defaults of a request.
  const nVocab = 262144;
  const blocks = sampleBlocks(nVocab);
  const samplers = new Uint32Array(SAMPLER_STATE_WORDS);
  packSamplerState(REQUEST, [], samplers, new Uint32Array(64));
  const logits = noise(nVocab).map((x) => 3 * x);
  const found = {candidates: 8 * 64 * blocks, sums: 8 * blocks};
  const state = {outputs: 4, samplers, history: 256};
  const candidates = {logits, ...state, ...found, suppressed: 4};
  list.push(row('[1][262144]', topCandidates, {N_VOCAB: nVocab, HISTORY: 64}, 1, candidates));
  const drawing = {...state, ...found, logits, chosen: 4, results: 4 * RESULT_WORDS};
  list.push(row('[1][262144]', sample, {N_VOCAB: nVocab, N_BLOCKS: blocks, HISTORY: 64}, 1, drawing, found.candidates));
  return list;
}

const REQUEST = completeSettings({seed: 1});

/** 2 · n · nIn · nOut operations: 19.3 GFLOP for 512 rows of 1536 → 12288. */
function tiledRows(type: kernels.WeightType, n: number, nIn: number, nOut: number, partLength = 0): Row[] {
  const stride = rowWords(type, nIn);
  const parts = kernels.partsOf(nIn, nOut, partLength);
  const sizes = {x: 4 * n * nIn, weight: 4 * nOut * stride, y: 4 * n * nOut * parts.PARTS};
  const matrix = {N_IN: nIn, N_OUT: nOut, N_SLICE_ROWS: nOut, ROW_STRIDE_WORDS: stride, ...parts};
  const list: Row[] = [
    kernels.SMALL_TILES,
    kernels.LARGE_TILES,
    {ROW_TILE: 128, OUTPUT_TILE: 128, DEPTH: 16, ROW_QUADS: 4},
  ].map((tiles) => {
    const constants = {...matrix, ...tiles, WORKGROUP_SIZE: kernels.tiledWorkgroup(tiles)};
    const cut = parts.PARTS > 1 ? `, ${parts.PARTS} parts` : '';
    const label = `[${n}][${nIn}] → ${nOut}, ${tiles.ROW_TILE} × ${tiles.OUTPUT_TILE} × ${tiles.DEPTH}${cut}`;
    return row(label, kernels.mulMatTiled[type], constants, n, sizes);
  });
  if (parts.PARTS === 1) return list;
  const added = row(`[${n}][${parts.PARTS}][${nOut}]`, kernels.addParts, {N: nOut, PARTS: parts.PARTS}, n, {
    partial: sizes.y,
    y: 4 * n * nOut,
  });
  return [...list, added];
}

/** What joins several operations of a decode step, at Gemma 4 E2B's and Gemma 3 1B's shapes, without subgroups. */
function fusedRows(): Row[] {
  const list: Row[] = [];
  const team = {TEAM: 32, WORKGROUP_SIZE: 64};
  for (const type of ['Q4_0', 'Q8_0', 'Q4_K', 'Q6_K'] as const) {
    const [nIn, nOut] = [1536, 6144];
    const words = rowWords(type, nIn);
    const matrix = {...team, N_IN: nIn, N_OUT: nOut, ROW_STRIDE_WORDS: words};
    const bytes = 4 * words * nOut;
    const gated = {x: 4 * nIn, gate: bytes, up: bytes, y: 4 * nOut};
    list.push(row(`[1][${nIn}] → ${nOut}`, kernels.mulMatGegluFor(type), matrix, 1, gated));
    const branch = {x: 4 * nIn, weight: 4 * words * 256, up: 4 * 256, up_offset: 4, y: 4 * 256};
    const small = {...matrix, N_OUT: 256, UP_STRIDE: 256};
    list.push(row(`[1][${nIn}] → 256`, kernels.mulMatGeluFor(type), small, 1, branch));
    const parts = {x: 4 * nIn, a: 4 * words * 2048, b: 4 * words * 256, c: 4 * words * 256, y: 4 * 2560};
    const three = {...matrix, N_OUT: 2560, QUADS_A: 512, QUADS_B: 64, QUADS_C: 64};
    list.push(row(`[1][${nIn}] → 2048 + 256 + 256`, kernels.mulMatPartsFor(type), three, 1, parts));
  }
  const width = 4 * 1536;
  const residual = {y: width, weight: width, h: width, scale: 4, sum: width};
  list.push(row('[1][1536]', kernels.normAddFor(), {N: 1536, EPS: 1e-6}, 1, residual));
  const both = {...residual, next_weight: width, normed: width};
  list.push(row('[1][1536]', kernels.normAddNormFor(), {N: 1536, EPS: 1e-6}, 1, both));
  const table = 4 * kernels.ropeTable(256, 1e6, context).length;
  const heads = {N_HEAD: 4, N_HEAD_KV: 1, HEAD_DIM: 256, STRIDE: 1536, EPS: 1e-6};
  const weights = {q_weight: 1024, k_weight: 1024, frequencies: table};
  const cache = {keys: 4 * context * 256, values: 4 * context * 256};
  list.push(row('[1][4 + 1 + 1][256]', kernels.qkvPrepare, heads, 1, {...weights, qkv: width, ...cache}, 2 * width));
  const queries = {weight: 1024, frequencies: table, q: 4 * 2048, y: 4 * 2048};
  list.push(row('[1][8][256]', kernels.qPrepare, {N_HEAD: 8, HEAD_DIM: 256, EPS: 1e-6}, 1, queries, 8 * 2048));
  return list;
}

/** 26B-A4B's gates, out of 16 experts instead of 128. What must move are the experts used, each once. */
function expertRow(type: kernels.WeightType, n: number): Row {
  const [nIn, nOut, used, count] = [2816, 704, 8, 16];
  const stride = 4 * rowWords(type, nIn);
  const constants = {N_IN: nIn, N_OUT: nOut, USED: used, EXPERT_ROWS: 2 * nOut, N_SLICE_ROWS: 2 * nOut * count};
  const sizes = {x: 4 * n * nIn, weight: 2 * nOut * count * stride, y: 4 * n * used * nOut};
  const moved = sizes.x + sizes.y + Math.min(count, n * used) * nOut * stride;
  const label = `[${n}][${nIn}] → [${used}][${nOut}]`;
  return row(label, kernels.mulMatId[type], {...constants, ROW_STRIDE_WORDS: stride / 4}, n, sizes, moved);
}

/** Microseconds a dispatch, the median of `rounds`, after one round of warming up. */
async function measure(device: GPUDevice, prepared: Prepared, rounds: number, dispatches: number): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < dispatches; i++) prepared.dispatch(pass);
    pass.end();
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    if (round > 0) samples.push((1000 * (performance.now() - start)) / dispatches);
  }
  return samples.sort((a, b) => a - b)[samples.length >> 1];
}

export async function run(args: string[]): Promise<void> {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: {type: 'string', default: '5'},
      dispatches: {type: 'string', default: '20'},
      context: {type: 'string', default: '1024'},
    },
  });
  context = Number(values.context);
  const {device, info} = await requestDevice(await findGpu());
  console.log(`${info.description || info.device} (${info.vendor} ${info.architecture})`);
  const pipelines = new PipelineCache(device);
  console.log(`${'kernel'.padEnd(52)} ${'µs'.padStart(10)} ${'GB/s'.padStart(9)}`);
  for (const {name, bytes, prepare} of rows()) {
    if (positionals.length > 0 && !positionals.some((part) => name.includes(part))) continue;
    const prepared = await prepare(device, pipelines);
    const us = await measure(device, prepared, Number(values.rounds), Number(values.dispatches));
    console.log(`${name.padEnd(52)} ${us.toFixed(1).padStart(10)} ${(bytes / us / 1000).toFixed(2).padStart(9)}`);
    prepared.destroy();
  }
  device.destroy();
  process.exit(0);
}

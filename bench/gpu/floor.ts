// The floor of a decode step on this adapter: as many dependent dispatches as a fused step has, each reading the real
// bytes of its matrix once, four-bit weights unpacked and multiplied. What an engine over WebGPU could reach with perfect
// kernels and nothing else to do. Its sums are of zeros and mean nothing. Knows no engine.
import type {Gemma4Shape} from '../../scripts/model-files/gemma4-shapes.ts';
import {median} from './step-times.ts';

export interface Floor {
  dispatches: number;
  /** Weights read, bytes. */
  bytes: number;
  /** One step on the GPU, from the pass's first timestamp to its last. */
  stepUs: number;
  tokensPerSecond: number;
}

/** One dispatch: a matrix [nOut][nIn] of four-bit weights with an f16 scale for 32, 18 bytes for 32 weights. */
interface Product {
  nIn: number;
  nOut: number;
  /** Whether every workgroup norms its input first, as a fused kernel does. */
  norm: boolean;
}

/** A workgroup has `SPLIT` subgroups a quad of rows, `QUADS` quads; a lane takes 8 weights of 4 rows at a time. */
const shader = ({split, quads, norm}: {split: number; quads: number; norm: boolean}, subgroup: number): string => `
enable subgroups;
struct Shape { columns: u32, quads: u32, quants_at: u32, scales_at: u32 }
@group(0) @binding(0) var<storage, read> quants: array<vec4u>;
@group(0) @binding(1) var<storage, read> scales: array<vec2u>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> shape: Shape;
var<workgroup> partial: array<vec4f, ${split * quads}>;
var<workgroup> squares: array<f32, ${split * quads}>;
fn nibbles(w: u32) -> vec4f { return vec4f((vec4u(w) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u)) - 8.0; }
fn product(w: u32, a: vec4f, b: vec4f) -> f32 { return dot(nibbles(w), a) + dot(nibbles(w >> 4u), b); }
@compute @workgroup_size(${split * quads * subgroup})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let team = lid / ${subgroup}u;
  let lane = lid % ${subgroup}u;
  let quad = (wid.y * grid.x + wid.x) * ${quads}u + team / ${split}u;
  var scale = 1.0;
  ${
    norm
      ? `var sum = 0.0;
  for (var i = lid; i < 2u * shape.columns; i += ${split * quads * subgroup}u) { sum += dot(x[i], x[i]); }
  sum = subgroupAdd(sum);
  if (lane == 0u) { squares[team] = sum; }
  workgroupBarrier();
  sum = 1e-6;
  for (var i = 0u; i < ${split * quads}u; i++) { sum += squares[i]; }
  scale = inverseSqrt(sum);`
      : ''
  }
  var total = vec4f();
  if (quad < shape.quads) {
    let base = shape.quants_at + quad * shape.columns;
    let scale_base = shape.scales_at + quad * (shape.columns / 4u);
    for (var c = (team % ${split}u) * ${subgroup}u + lane; c < shape.columns; c += ${split * subgroup}u) {
      let w = quants[base + c];
      let d = scales[scale_base + c / 4u];
      let a = x[2u * c];
      let b = x[2u * c + 1u];
      total += vec4f(unpack2x16float(d.x), unpack2x16float(d.y)) *
        vec4f(product(w.x, a, b), product(w.y, a, b), product(w.z, a, b), product(w.w, a, b));
    }
  }
  total = subgroupAdd(total);
  if (lane == 0u) { partial[team] = total; }
  workgroupBarrier();
  if (lane == 0u && team % ${split}u == 0u && quad < shape.quads) {
    var sum = vec4f();
    for (var i = 0u; i < ${split}u; i++) { sum += partial[team + i]; }
    y[quad] = scale * sum;
  }
}`;

/** The dispatches of a fused step: q, k and v; attention; output; gate and up; down; and the per-layer branch in two. */
export function productsOf(shape: Gemma4Shape): Product[] {
  const {nEmbd, nHead, nHeadKv, headDim, nFf, nEmbdPerLayer, sharedKvLayers, vocabSize} = shape;
  const list: Product[] = [];
  const add = (nIn: number, nOut: number, norm = false) => list.push({nIn, nOut, norm});
  const attention = {nIn: 256, nOut: 64, norm: false}; // a dependent dispatch whose bytes are those of the context
  const kinds = [...shape.layers].filter((kind) => /[SF]/.test(kind));
  const owners = kinds.length - sharedKvLayers;
  kinds.forEach((kind, i) => {
    const which = kind === 'F' ? 'full' : 'sliding';
    const q = nHead * headDim[which];
    const kv = i < owners ? 2 * nHeadKv[which] * headDim[which] : 0;
    const ff = typeof nFf === 'number' ? nFf : nFf[i];
    add(nEmbd, q + kv, true);
    list.push(attention);
    add(q, nEmbd);
    add(nEmbd, 2 * ff, true);
    add(ff, nEmbd);
    if (nEmbdPerLayer > 0) {
      add(nEmbd, nEmbdPerLayer, true);
      add(nEmbdPerLayer, nEmbd);
    }
  });
  if (nEmbdPerLayer > 0) add(nEmbd, nEmbdPerLayer * kinds.length);
  add(nEmbd, vocabSize, true);
  list.push(attention, attention); // candidates and choice of the token
  return list;
}

/** Subgroups that share a quad of rows: few outputs need more of them to fill the card. */
const formOf = ({nIn, nOut, norm}: Product): {split: number; quads: number; norm: boolean} => {
  const split = nOut >= 100_000 ? 1 : nIn >= 2048 ? 8 : nIn >= 512 ? 4 : 1;
  return {split, quads: norm ? Math.max(1, 2 / split) : split === 1 ? 4 : 1, norm};
};

const ROUNDS = 9;

const FEATURES = ['subgroups', 'timestamp-query'] as const;
const LIMITS = ['maxBufferSize', 'maxStorageBufferBindingSize'] as const;

/** On a device of its own. Null where the adapter lacks subgroups of one size, timestamps, or a buffer for all weights. */
export async function measureFloor(gpu: GPU, shape: Gemma4Shape): Promise<Floor | null> {
  const adapter = await gpu.requestAdapter({powerPreference: 'high-performance'});
  if (!adapter || FEATURES.some((name) => !adapter.features.has(name))) return null;
  const {subgroupMinSize, subgroupMaxSize} = adapter.info;
  if (subgroupMinSize !== subgroupMaxSize) return null;
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({requiredFeatures: [...FEATURES], requiredLimits});
  try {
    return await measureOn(device, subgroupMinSize, shape);
  } finally {
    device.destroy();
  }
}

async function measureOn(device: GPUDevice, subgroup: number, shape: Gemma4Shape): Promise<Floor | null> {
  const {STORAGE, UNIFORM, QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ} = GPUBufferUsage;
  const buffer = (size: number, usage: number) => device.createBuffer({size, usage});
  const products = productsOf(shape);
  const quantBytes = ({nIn, nOut}: Product) => Math.ceil((nIn * nOut) / 2 / 256) * 256;
  const scaleBytes = ({nIn, nOut}: Product) => Math.ceil((nIn * nOut) / 16 / 256) * 256;
  const sum = (of: (product: Product) => number) => products.reduce((total, each) => total + of(each), 0);
  if (sum(quantBytes) > device.limits.maxStorageBufferBindingSize) return null;
  const quants = buffer(sum(quantBytes), STORAGE);
  const scales = buffer(sum(scaleBytes), STORAGE);
  const widest = Math.max(...products.map(({nIn, nOut}) => Math.max(nIn, nOut)));
  const activations = [0, 1].map(() => buffer(4 * widest, STORAGE));

  const pipelines = new Map<string, GPUComputePipeline>();
  const dispatches: {pipeline: GPUComputePipeline; group: GPUBindGroup; x: number; y: number}[] = [];
  let quantsAt = 0;
  let scalesAt = 0;
  for (const [i, product] of products.entries()) {
    const form = formOf(product);
    const key = JSON.stringify(form);
    const pipeline =
      pipelines.get(key) ??
      (await device.createComputePipelineAsync({
        layout: 'auto',
        compute: {module: device.createShaderModule({code: shader(form, subgroup)}), entryPoint: 'main'},
      }));
    pipelines.set(key, pipeline);
    const quads = Math.ceil(product.nOut / 4);
    const uniform = buffer(16, UNIFORM | COPY_DST);
    device.queue.writeBuffer(uniform, 0, new Uint32Array([product.nIn / 8, quads, quantsAt / 16, scalesAt / 8]));
    const bound = [quants, scales, activations[i % 2], activations[1 - (i % 2)], uniform];
    const entries = bound.map((each, binding) => ({binding, resource: {buffer: each}}));
    const workgroups = Math.ceil(quads / form.quads);
    const y = Math.ceil(workgroups / 65_535);
    dispatches.push({
      pipeline,
      group: device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries}),
      x: Math.ceil(workgroups / y),
      y,
    });
    quantsAt += quantBytes(product);
    scalesAt += scaleBytes(product);
  }

  const querySet = device.createQuerySet({type: 'timestamp', count: 2});
  const resolved = buffer(16, QUERY_RESOLVE | COPY_SRC);
  const staging = buffer(16, MAP_READ | COPY_DST);
  const samples: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const encoder = device.createCommandEncoder();
    const timestampWrites = {querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1};
    const pass = encoder.beginComputePass({timestampWrites});
    for (const {pipeline, group, x, y} of dispatches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(x, y);
    }
    pass.end();
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const [from, to] = new BigUint64Array(staging.getMappedRange());
    if (round >= 0) samples.push(Number(to - from) / 1000);
    staging.unmap();
  }
  const stepUs = median(samples);
  return {
    dispatches: products.length,
    bytes: sum(({nIn, nOut}) => (nIn * nOut * 9) / 16),
    stepUs,
    tokensPerSecond: 1e6 / stepUs,
  };
}

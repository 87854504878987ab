// What the adapter can do, measured by kernels of a few lines: copy bandwidth, FMA rate, the cost of a dispatch, a
// pass, a submit and a read-back. The denominators of every other figure. Knows no model.

export interface Roofline {
  /** Bytes read and written a second by a vec4 copy kernel over buffers far larger than any cache, in GB/s. */
  copyGBs: number;
  /** Bytes a second of a kernel that only reads and sums, in GB/s. */
  readGBs: number;
  /** f32 multiply-adds, two operations each, in TFLOP/s. */
  fmaTFlops: number;
  /** Microseconds for one dispatch of one workgroup, by how it is issued. */
  dispatchUs: Record<'independentOnePass' | 'dependentOnePass' | 'dependentPassEach' | 'dependentSubmitEach', number>;
  /** Microseconds a step of one dispatch and a 4-byte read-back takes with this many steps in flight. */
  readbackUs: Record<'depth1' | 'depth2' | 'depth4', number>;
}

const COPY = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) n: vec3u) {
  let stride = n.x * 256u;
  for (var i = id.x; i < arrayLength(&x); i += stride) { y[i] = x[i]; }
}`;

const READ = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) n: vec3u) {
  let stride = n.x * 256u;
  var sum = vec4f();
  for (var i = id.x; i < arrayLength(&x); i += stride) { sum += x[i]; }
  if (sum.x == 12345.678) { y[id.x % 64u] = sum; }
}`;

const FMA_STEPS = 4096;
const FMA = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var a = x[id.x % 64u]; var b = a + 1.0; var c = a + 2.0; var d = a + 3.0;
  let m = vec4f(0.999, 0.998, 0.997, 0.996);
  for (var i = 0u; i < ${FMA_STEPS}u; i++) {
    a = fma(a, m, b); b = fma(b, m, c); c = fma(c, m, d); d = fma(d, m, a);
  }
  if (a.x + b.x + c.x + d.x == 12345.678) { y[id.x % 64u] = a; }
}`;

const ADD_ONE = `
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) { y[i] = y[i] + 1u; }`;

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Milliseconds until the queue is empty after `work`, the median of `rounds` after one warm-up. */
async function time(device: GPUDevice, work: () => void, rounds = 5): Promise<number> {
  const samples: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const start = performance.now();
    work();
    await device.queue.onSubmittedWorkDone();
    if (round >= 0) samples.push(performance.now() - start);
  }
  return median(samples);
}

/** Measures the adapter behind `device`. `scale` below 1 shrinks the work for software adapters. */
export async function measureRoofline(device: GPUDevice, scale = 1): Promise<Roofline> {
  const made: GPUBuffer[] = [];
  const buffer = (size: number, usage: number) => {
    const each = device.createBuffer({size, usage});
    made.push(each);
    return each;
  };
  const STORAGE = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const pipeline = (code: string) =>
    device.createComputePipelineAsync({
      layout: 'auto',
      compute: {module: device.createShaderModule({code}), entryPoint: 'main'},
    });
  const group = (from: GPUComputePipeline, buffers: GPUBuffer[]) =>
    device.createBindGroup({
      layout: from.getBindGroupLayout(0),
      entries: buffers.map((each, binding) => ({binding, resource: {buffer: each}})),
    });
  type Dispatch = [GPUComputePipeline, GPUBindGroup, number];
  const pass = (encoder: GPUCommandEncoder, dispatches: Dispatch[]) => {
    const compute = encoder.beginComputePass();
    for (const [each, bind, workgroups] of dispatches) {
      compute.setPipeline(each);
      compute.setBindGroup(0, bind);
      compute.dispatchWorkgroups(workgroups);
    }
    compute.end();
  };
  const submit = (dispatches: Dispatch[], passEach = false) => {
    const encoder = device.createCommandEncoder();
    if (passEach) for (const each of dispatches) pass(encoder, [each]);
    else pass(encoder, dispatches);
    device.queue.submit([encoder.finish()]);
  };
  /** Milliseconds of one more repetition: the difference between many and few, so that fixed costs cancel. */
  const marginal = async (work: (times: number) => void, few: number, many: number) => {
    const short = await time(device, () => work(few));
    const long = await time(device, () => work(many));
    return Math.max(long - short, 1e-6) / (many - few);
  };

  const bytes = Math.min(
    Math.floor((1 << 30) * scale),
    device.limits.maxStorageBufferBindingSize,
    device.limits.maxBufferSize,
  );
  const size = bytes - (bytes % 4096);
  const x = buffer(size, STORAGE);
  const y = buffer(size, STORAGE);
  const [copy, read, fma, addOne] = await Promise.all([COPY, READ, FMA, ADD_ONE].map(pipeline));
  const repeat = (dispatch: Dispatch) => (times: number) => submit(Array.from({length: times}, () => dispatch));
  const wide = Math.min(16384, device.limits.maxComputeWorkgroupsPerDimension);
  const few = scale < 1 ? 1 : 4;
  const many = scale < 1 ? 3 : 24;
  const copyMs = await marginal(repeat([copy, group(copy, [x, y]), wide]), few, many);
  const readMs = await marginal(repeat([read, group(read, [x, y]), wide]), few, many);
  const fmaGroups = Math.max(4, Math.floor(8192 * scale));
  const fmaMs = await marginal(repeat([fma, group(fma, [x, y]), fmaGroups]), few, many);

  const small = buffer(256, STORAGE);
  const others = Array.from({length: 64}, () => buffer(256, STORAGE));
  const dependent: Dispatch = [addOne, group(addOne, [small]), 1];
  const independent = others.map((each): Dispatch => [addOne, group(addOne, [each]), 1]);
  const [low, high] = scale < 1 ? [50, 450] : [200, 4200];
  const us = async (work: (times: number) => void, a = low, b = high) => 1000 * (await marginal(work, a, b));
  const dispatchUs = {
    independentOnePass: await us((n) => submit(Array.from({length: n}, (_, i) => independent[i % 64]))),
    dependentOnePass: await us((n) => submit(Array.from({length: n}, () => dependent))),
    dependentPassEach: await us((n) =>
      submit(
        Array.from({length: n}, () => dependent),
        true,
      ),
    ),
    dependentSubmitEach: await us(
      (n) => {
        for (let i = 0; i < n; i++) submit([dependent]);
      },
      low >> 2,
      high >> 2,
    ),
  };

  const readback = async (depth: number, steps: number) => {
    const staging = Array.from({length: depth}, () => buffer(4, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST));
    const flight: Promise<void>[] = [];
    const start = performance.now();
    for (let step = 0; step < steps; step++) {
      const slot = staging[step % depth];
      if (flight.length === depth) {
        await flight.shift();
        slot.getMappedRange();
        slot.unmap();
      }
      const encoder = device.createCommandEncoder();
      pass(encoder, [dependent]);
      encoder.copyBufferToBuffer(small, 0, slot, 0, 4);
      device.queue.submit([encoder.finish()]);
      flight.push(slot.mapAsync(GPUMapMode.READ));
    }
    await Promise.all(flight);
    return (1000 * (performance.now() - start)) / steps;
  };
  const steps = scale < 1 ? 50 : 500;
  const readbackUs = {
    depth1: await readback(1, steps),
    depth2: await readback(2, steps),
    depth4: await readback(4, steps),
  };
  for (const each of made) each.destroy();
  return {
    copyGBs: (2 * size) / copyMs / 1e6,
    readGBs: size / readMs / 1e6,
    fmaTFlops: (fmaGroups * 256 * FMA_STEPS * 4 * 4 * 2) / fmaMs / 1e9,
    dispatchUs,
    readbackUs,
  };
}

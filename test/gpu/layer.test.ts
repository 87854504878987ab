// src/gpu/ on a device: what it reads out of a shader, compiles, counts, replays and reports.
import {expect} from 'chai';
import {findGpu} from '../../scripts/lib/gpu.ts';
import {GemmaError} from '../../src/errors.ts';
import {BufferPool} from '../../src/gpu/buffers.ts';
import {guarded, lostError, requestDevice} from '../../src/gpu/device.ts';
import {elementwise, spread} from '../../src/gpu/grid.ts';
import {completeConstants, defineKernel, type RowShape, reflect} from '../../src/gpu/kernel.ts';
import {PipelineCache} from '../../src/gpu/pipelines.ts';
import {Profiler} from '../../src/gpu/profiler.ts';
import {Recorder} from '../../src/gpu/recorder.ts';
import {readBuffer, upload, withDevice} from '../helpers/gpu.ts';

const SCALE = `
// @group(0) @binding(9) var<uniform> comment: u32;
override N: u32;
override FACTOR: f32 = 2.5;
override WORKGROUP_SIZE: u32 = 64u;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@compute @workgroup_size(WORKGROUP_SIZE)
fn scale(@builtin(global_invocation_id) id: vec3u) { if (id.x < N) { y[id.x] = x[id.x] * FACTOR; } }`;

const scale = defineKernel(SCALE, {
  bindings: ['x', 'y'],
  constants: ['N', 'FACTOR', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});

// The same by a uniform: no value of N or FACTOR is compiled in.
const SCALE_BY_SHAPE = `
struct Shape {
  N: u32, // values of x
  FACTOR: f32,
  SHIFT: i32,
}
override WORKGROUP_SIZE: u32 = 64u;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> shape: Shape;
@compute @workgroup_size(WORKGROUP_SIZE)
fn scale_by_shape(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < shape.N) { y[id.x] = x[id.x] * shape.FACTOR + f32(shape.SHIFT); }
}`;

const scaleByShape = defineKernel(SCALE_BY_SHAPE, {
  bindings: ['x', 'y'],
  constants: ['N', 'FACTOR', 'SHIFT', 'WORKGROUP_SIZE'],
  defaults: {SHIFT: 0},
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});

const thrown = async (act: () => unknown): Promise<GemmaError> => {
  try {
    await act();
  } catch (error) {
    expect(error).to.be.instanceOf(GemmaError);
    return error as GemmaError;
  }
  return expect.fail('nothing was thrown');
};

describe('kernel', () => {
  it('reads bindings in binding order and overrides with their defaults', () => {
    expect(reflect(SCALE)).to.deep.equal({
      name: 'scale',
      bindings: [
        {name: 'x', access: 'read'},
        {name: 'y', access: 'read_write'},
      ],
      constants: [
        {name: 'N', type: 'u32', default: undefined, place: 'override'},
        {name: 'FACTOR', type: 'f32', default: 2.5, place: 'override'},
        {name: 'WORKGROUP_SIZE', type: 'u32', default: 64, place: 'override'},
      ],
    });
  });

  it('reads the fields of a shape, which is no binding of its own', () => {
    const {bindings, constants} = reflect(SCALE_BY_SHAPE);
    expect(bindings.map(({name}) => name)).to.deep.equal(['x', 'y']);
    expect(constants).to.deep.equal([
      {name: 'WORKGROUP_SIZE', type: 'u32', default: 64, place: 'override'},
      {name: 'N', type: 'u32', default: undefined, place: 'shape'},
      {name: 'FACTOR', type: 'f32', default: undefined, place: 'shape'},
      {name: 'SHIFT', type: 'i32', default: undefined, place: 'shape'},
    ]);
    expect(completeConstants(scaleByShape, {N: 3, FACTOR: 0.5})).to.deep.equal({
      WORKGROUP_SIZE: 64,
      N: 3,
      FACTOR: 0.5,
      SHIFT: 0,
    });
  });

  it('refuses a shape that is not the last uniform, or has other fields than numbers', async () => {
    for (const [from, to] of [
      ['struct Shape', 'struct Other'],
      ['N: u32, // values of x', 'N: vec2u,'],
      ['var<uniform> shape: Shape', 'var<storage> shape: Shape'],
      [
        '@binding(2) var<uniform> shape: Shape',
        '@binding(2) var<storage> z: u32; @group(0) @binding(3) var<uniform> w: u32',
      ],
      ['@binding(1) var<storage, read_write> y', '@binding(3) var<storage, read_write> y'],
    ]) {
      const grid = () => [1, 1, 1] as const;
      const constants = ['N', 'FACTOR', 'SHIFT', 'WORKGROUP_SIZE'] as const;
      const act = () => defineKernel(SCALE_BY_SHAPE.replace(from, to), {bindings: ['x', 'y'], constants, grid});
      expect((await thrown(act)).code, to).to.equal('internal');
    }
  });

  it('refuses a binding file that says something else than the shader', async () => {
    const grid = () => [1, 1, 1] as const;
    const constants = ['N', 'FACTOR', 'WORKGROUP_SIZE'] as const;
    expect((await thrown(() => defineKernel(SCALE, {bindings: ['y', 'x'], constants, grid}))).message).to.contain(
      '[x,y]',
    );
    expect(
      (await thrown(() => defineKernel(SCALE, {bindings: ['x', 'y'], constants: ['N'], grid}))).message,
    ).to.contain('FACTOR');
  });

  it('refuses gaps, doubles and other groups', async () => {
    const shader = (bindings: string) => `${bindings} @compute @workgroup_size(1) fn k() {}`;
    for (const bindings of [
      '@group(0) @binding(1) var<storage> x: u32;',
      '@group(0) @binding(0) var<storage> x: u32; @group(0) @binding(0) var<storage> y: u32;',
      '@group(1) @binding(0) var<storage> x: u32;',
    ]) {
      expect((await thrown(() => reflect(shader(bindings)))).code).to.equal('internal');
    }
  });

  it('fills constants in and refuses missing, unknown and fractional ones', async () => {
    expect(completeConstants(scale, {N: 3})).to.deep.equal({N: 3, FACTOR: 2.5, WORKGROUP_SIZE: 64});
    for (const constants of [{}, {N: 1.5}, {N: Number.NaN}, {N: 1, M: 2}]) {
      expect((await thrown(() => completeConstants(scale, constants))).code).to.equal('internal');
    }
  });
});

describe('grid', () => {
  it('covers any count within 65535 a dimension and wastes less than a row', () => {
    for (const count of [1, 65535, 65536, 131071, 262144, 262144 * 64]) {
      const [x, y, z] = spread(count);
      expect(Math.max(x, y, z)).to.be.at.most(65535);
      expect(x * y).to.be.within(count, count + y - 1);
    }
    expect(spread(0)).to.deep.equal([0, 0, 0]);
    expect(elementwise(65, 64)).to.deep.equal([2, 1, 1]);
  });
});

describe('PipelineCache', () => {
  it(
    'compiles once a (kernel, constants), whatever the order and the spelling of defaults',
    withDevice(async (device) => {
      const pipelines = new PipelineCache(device);
      const first = await pipelines.get(scale, {N: 1});
      expect(await pipelines.get(scale, {FACTOR: 2.5, N: 1})).to.equal(first);
      expect(await pipelines.get(scale, {N: 2})).to.not.equal(first);
      expect(pipelines.size).to.equal(2);
    }),
  );

  it(
    'compiles a kernel once for all its shapes, and keeps a uniform of each',
    withDevice(async (device) => {
      const pipelines = new PipelineCache(device);
      const first = await pipelines.get(scaleByShape, {N: 1, FACTOR: 2});
      expect(await pipelines.get(scaleByShape, {N: 2, FACTOR: 3})).to.equal(first);
      const shape = pipelines.shape(scaleByShape, {N: 1, FACTOR: 2});
      expect(pipelines.shape(scaleByShape, {N: 1, FACTOR: 2, SHIFT: 0})).to.equal(shape);
      expect(pipelines.shape(scaleByShape, {N: 2, FACTOR: 2})).to.not.equal(shape);
      expect(pipelines.shape(scale, {N: 1})).to.equal(undefined);
    }),
  );

  it(
    'gives every dispatch its own shape',
    withDevice(async (device) => {
      const x = upload(device, Float32Array.of(1, 2, 3));
      const [y, z] = [upload(device, new Float32Array(3)), upload(device, new Float32Array(3))];
      const recorder = new Recorder<RowShape>(device, new PipelineCache(device));
      recorder.add(scaleByShape, {N: 3, FACTOR: 0.5}, {x, y}, (step) => step);
      recorder.add(scaleByShape, {N: 2, FACTOR: -1, SHIFT: -7}, {x, y: z}, (step) => step);
      const encoder = device.createCommandEncoder();
      (await recorder.finish()).replay(encoder, {nRows: 1});
      device.queue.submit([encoder.finish()]);
      expect([...new Float32Array(await readBuffer(device, y, 12))]).to.deep.equal([0.5, 1, 1.5]);
      expect([...new Float32Array(await readBuffer(device, z, 12))]).to.deep.equal([-8, -9, 0]);
    }),
  );

  it(
    'names kernel, line and reason when a shader does not compile',
    withDevice(async (device) => {
      const broken = defineKernel(
        '@group(0) @binding(0) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(1) fn broken() { y[0] = nonsense; }',
        {
          bindings: ['y'],
          constants: [],
          grid: () => [1, 1, 1],
        },
      );
      // A scope keeps the expected error out of withDevice's sight.
      device.pushErrorScope('validation');
      const error = await thrown(() => new PipelineCache(device).get(broken, {}));
      await device.popErrorScope();
      expect(error.code).to.equal('shader-invalid');
      expect(error.message).to.match(/broken:2:.*nonsense/s);
    }),
  );
});

describe('BufferPool', () => {
  it(
    'counts bytes by category, rounds up to 16, frees once',
    withDevice((device) => {
      const pool = new BufferPool(device);
      const a = pool.create('a', 'weights', 17);
      pool.create('b', 'kv', 64);
      expect(pool.stats()).to.deep.equal({
        bytes: {weights: 32, kv: 64, scratch: 0, adapters: 0},
        buffers: 2,
        created: 2,
      });
      pool.free(a);
      pool.free(a);
      expect(pool.stats()).to.deep.equal({
        bytes: {weights: 0, kv: 64, scratch: 0, adapters: 0},
        buffers: 1,
        created: 2,
      });
      pool.destroy();
      pool.destroy();
      expect(pool.stats().buffers).to.equal(0);
    }),
  );

  it(
    'uploads lengths that are no multiple of four and leaves the rest zero',
    withDevice(async (device) => {
      const pool = new BufferPool(device);
      const buffer = pool.createFrom('odd', 'weights', new Uint8Array([9, 1, 2, 3, 4, 5, 6, 7]).subarray(1));
      expect([...new Uint8Array(await readBuffer(device, buffer, 16))]).to.deep.equal([
        1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      ]);
      pool.destroy();
    }),
  );

  it(
    'refuses what one buffer cannot hold, by a forced limit too',
    withDevice(async (device) => {
      const forced = new BufferPool(device, {maxBufferSize: 1024, maxStorageBufferBindingSize: 256});
      expect((await thrown(() => forced.create('big', 'weights', 257))).code).to.equal('out-of-memory');
      forced.create('staging', 'scratch', 1024, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
      forced.destroy();
      const tooMuch = device.limits.maxStorageBufferBindingSize + 16;
      expect((await thrown(() => new BufferPool(device).create('big', 'kv', tooMuch))).code).to.equal('out-of-memory');
    }),
  );
});

describe('Recorder', () => {
  it(
    'replays in order, in one pass, each grid from the step, and skips empty dispatches',
    withDevice(async (device) => {
      const recorder = new Recorder<{nRows: number}>(device, new PipelineCache(device));
      const x = upload(device, new Float32Array([1, 2, 3, 4]));
      const [y, z] = [upload(device, new Float32Array(4)), upload(device, new Float32Array(4))];
      recorder.add(scale, {N: 4}, {x, y}, (step) => step);
      recorder.add(scale, {N: 4, FACTOR: -2}, {x: y, y: z}, (step) => step);
      recorder.add(scale, {N: 4, FACTOR: 7}, {x, y: z}, () => ({nRows: 0}));
      const recording = await recorder.finish();
      for (const expected of [0, 2]) {
        const encoder = device.createCommandEncoder();
        expect(recording.replay(encoder, {nRows: expected / 2})).to.equal(expected);
        device.queue.submit([encoder.finish()]);
      }
      expect([...new Float32Array(await readBuffer(device, z, 16))]).to.deep.equal([-5, -10, -15, -20]);
    }),
  );

  it(
    'names the buffer that is missing',
    withDevice(async (device) => {
      const recorder = new Recorder<RowShape>(device, new PipelineCache(device));
      const x = upload(device, new Float32Array(4));
      expect((await thrown(() => recorder.add(scale, {N: 4}, {x} as never, (step) => step))).message).to.contain(
        'buffer for y',
      );
    }),
  );

  it(
    'says in every error what a dispatch computes, where it is told',
    withDevice(async (device) => {
      const recorder = new Recorder<RowShape>(device, new PipelineCache(device));
      const x = upload(device, new Float32Array(4));
      const label = 'blk.3.attn_q · scale';
      const missing = await thrown(() => recorder.add(scale, {N: 4}, {x} as never, (step) => step, label));
      expect(missing.message).to.equal('blk.3.attn_q · scale: no buffer for y');
      const broken = {...scale, code: SCALE.replace('x[id.x] *', 'nonsense *')};
      device.pushErrorScope('validation');
      recorder.add(broken, {N: 4}, {x, y: x}, (step) => step, label);
      const error = await thrown(() => recorder.finish());
      await device.popErrorScope();
      expect(error.code).to.equal('shader-invalid');
      expect(error.message).to.match(/^blk\.3\.attn_q · scale: kernel scale .*nonsense/s);
    }),
  );
});

describe('Profiler', () => {
  it(
    'times every dispatch by kernel and can be read again',
    withDevice(
      async (device) => {
        const profiler = new Profiler(device);
        const recorder = new Recorder<RowShape>(device, new PipelineCache(device));
        const [x, y] = [upload(device, new Float32Array(64)), upload(device, new Float32Array(64))];
        recorder.add(scale, {N: 64}, {x, y}, (step) => step, 'gate · scale');
        recorder.add(scale, {N: 64}, {x, y}, (step) => step, 'up · scale');
        const recording = await recorder.finish();
        for (let round = 0; round < 2; round++) {
          const encoder = device.createCommandEncoder();
          recording.replay(encoder, {nRows: 1}, profiler);
          profiler.resolve(encoder);
          device.queue.submit([encoder.finish()]);
          const [time, ...others] = await profiler.read();
          expect(others).to.deep.equal([]);
          expect(time).to.include({kernel: 'scale', dispatches: 2});
          expect(time.constants).to.include({N: 64});
          expect(time.labels).to.deep.equal(['gate · scale', 'up · scale']);
          expect(time.nanoseconds).to.be.at.least(0);
        }
        profiler.destroy();
      },
      {features: ['timestamp-query']},
    ),
  );

  it(
    'tells constants apart, and times a recording as one pass',
    withDevice(
      async (device) => {
        const recorder = new Recorder<RowShape>(device, new PipelineCache(device));
        const [x, y] = [upload(device, new Float32Array(64)), upload(device, new Float32Array(64))];
        recorder.add(scale, {N: 32}, {x, y}, (step) => step);
        recorder.add(scale, {N: 64}, {x, y}, (step) => step);
        const recording = await recorder.finish();
        const dispatches: Record<string, number[]> = {};
        for (const by of ['dispatch', 'recording'] as const) {
          const profiler = new Profiler(device, by);
          const encoder = device.createCommandEncoder();
          recording.replay(encoder, {nRows: 1}, profiler);
          profiler.resolve(encoder);
          device.queue.submit([encoder.finish()]);
          dispatches[by] = (await profiler.read()).map((time) => time.dispatches);
          profiler.destroy();
        }
        expect(dispatches).to.deep.equal({dispatch: [1, 1], recording: [1]});
      },
      {features: ['timestamp-query']},
    ),
  );

  it(
    'refuses a device without the feature',
    withDevice(async (device) => {
      expect((await thrown(() => new Profiler(device))).message).to.contain('timestamp-query');
    }),
  );
});

describe('device', () => {
  it('says what is missing', async () => {
    expect((await thrown(() => requestDevice(undefined))).code).to.equal('webgpu-missing');
    const blind = {requestAdapter: async () => null} as unknown as GPU;
    expect((await thrown(() => requestDevice(blind))).code).to.equal('adapter-missing');
  });

  it(
    'gives the adapter’s sizes, or the forced ones, and reports its loss',
    withDevice(async () => {
      const gpu = (await findGpu()) as GPU;
      const adapter = (await gpu.requestAdapter()) as GPUAdapter;
      const {device, limits} = await requestDevice(gpu, {limits: {maxStorageBufferBindingSize: 65536}});
      expect(limits.maxStorageBufferBindingSize).to.equal(65536);
      expect(device.limits.maxStorageBufferBindingSize).to.be.at.least(134217728);
      expect(device.limits.maxBufferSize).to.equal(adapter.limits.maxBufferSize);
      device.destroy();
      expect(lostError(await device.lost).code).to.equal('device-lost');
    }),
  );

  it(
    'turns a validation error inside guarded into a GemmaError and passes results through',
    withDevice(async (device) => {
      expect(await guarded(device, () => 7)).to.equal(7);
      const error = await thrown(() => guarded(device, () => device.createBuffer({size: 4, usage: 0xffff})));
      expect(error.code).to.equal('internal');
      const shader = await thrown(() => guarded(device, () => device.createShaderModule({code: 'nonsense'})));
      expect(shader.code).to.equal('shader-invalid');
      // The scopes are gone again after fn threw.
      const own = new GemmaError('closed', 'mine');
      const throwing = () => {
        throw own;
      };
      expect(await thrown(() => guarded(device, throwing))).to.equal(own);
      expect(await guarded(device, () => 8)).to.equal(8);
    }),
  );
});

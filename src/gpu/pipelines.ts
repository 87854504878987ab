// Compiles kernels: one shader module and one bind group layout a kernel, one pipeline a (kernel, overrides), and one
// uniform a (kernel, shape). Knows no other buffer.
import {GemmaError} from '../errors.ts';
import {type Constant, type Constants, completeConstants, type Kernel} from './kernel.ts';

interface Compiled {
  module: GPUShaderModule;
  layout: GPUBindGroupLayout;
  pipelineLayout: GPUPipelineLayout;
  pipelines: Map<string, Promise<GPUComputePipeline>>;
  shapes: Map<string, GPUBuffer>;
}

const BUFFER_TYPES = {uniform: 'uniform', read: 'read-only-storage', read_write: 'storage'} as const;

/** The compiled kernels of a device. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #kernels = new Map<Kernel, Compiled>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Pipelines compiled or compiling. */
  get size(): number {
    let size = 0;
    for (const {pipelines} of this.#kernels.values()) size += pipelines.size;
    return size;
  }

  /**
   * The pipeline of a kernel with these constants; equal overrides give the same pipeline.
   * @throws GemmaError `shader-invalid` with the compiler's message, `internal` for constants that do not fit.
   */
  get<C extends string>(kernel: Kernel<string, C>, constants: Constants<C>): Promise<GPUComputePipeline> {
    const compiled = this.#compiled(kernel);
    const values = valuesOf(kernel, completeConstants(kernel, constants), 'override');
    const key = JSON.stringify(values);
    let pipeline = compiled.pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(kernel, compiled, values);
      compiled.pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  /** The uniform `shape` of a kernel that has one, filled with these constants. It lives as long as this cache. */
  shape<C extends string>(kernel: Kernel<string, C>, constants: Constants<C>): GPUBuffer | undefined {
    const fields = kernel.constants.filter(({place}) => place === 'shape');
    if (fields.length === 0) return undefined;
    const {shapes} = this.#compiled(kernel);
    const values = valuesOf(kernel, completeConstants(kernel, constants), 'shape');
    const key = JSON.stringify(values);
    let buffer = shapes.get(key);
    if (!buffer) {
      const size = Math.ceil(fields.length / 4) * 16;
      const usage = GPUBufferUsage.UNIFORM;
      buffer = this.#device.createBuffer({label: `${kernel.name} shape`, size, usage, mappedAtCreation: true});
      const view = new DataView(buffer.getMappedRange());
      fields.forEach(({name, type}, i) => {
        if (type === 'f32') view.setFloat32(4 * i, values[name], true);
        else view.setUint32(4 * i, values[name], true);
      });
      buffer.unmap();
      shapes.set(key, buffer);
    }
    return buffer;
  }

  /** The kernel's bind group layout: every binding explicit, so that an unused one does not vanish. */
  layout(kernel: Kernel): GPUBindGroupLayout {
    return this.#compiled(kernel).layout;
  }

  #compiled(kernel: Kernel): Compiled {
    const known = this.#kernels.get(kernel);
    if (known) return known;
    const types: GPUBufferBindingType[] = kernel.bindings.map(({access}) => BUFFER_TYPES[access]);
    if (kernel.constants.some(({place}) => place === 'shape')) types.push('uniform');
    const layout = this.#device.createBindGroupLayout({
      label: kernel.name,
      entries: types.map((type, binding) => ({binding, visibility: GPUShaderStage.COMPUTE, buffer: {type}})),
    });
    const compiled: Compiled = {
      module: this.#device.createShaderModule({label: kernel.name, code: kernel.code}),
      layout,
      pipelineLayout: this.#device.createPipelineLayout({label: kernel.name, bindGroupLayouts: [layout]}),
      pipelines: new Map(),
      shapes: new Map(),
    };
    this.#kernels.set(kernel, compiled);
    return compiled;
  }

  async #compile(kernel: Kernel, compiled: Compiled, constants: Record<string, number>): Promise<GPUComputePipeline> {
    try {
      return await this.#device.createComputePipelineAsync({
        label: kernel.name,
        layout: compiled.pipelineLayout,
        compute: {module: compiled.module, entryPoint: kernel.name, constants},
      });
    } catch (cause) {
      const info = await compiled.module.getCompilationInfo();
      const lines = info.messages
        .filter(({type}) => type === 'error')
        .map(({lineNum, linePos, message}) => `${kernel.name}:${lineNum}:${linePos} ${message}`);
      const reason = lines.length > 0 ? lines.join('\n') : cause instanceof Error ? cause.message : String(cause);
      throw new GemmaError('shader-invalid', `kernel ${kernel.name} does not compile here: ${reason}`, {
        cause,
        detail: {kernel: kernel.name, constants},
      });
    }
  }
}

/** The constants that have this place. */
function valuesOf(
  {constants}: Kernel,
  values: Readonly<Record<string, number>>,
  place: Constant['place'],
): Record<string, number> {
  return Object.fromEntries(constants.filter((one) => one.place === place).map(({name}) => [name, values[name]]));
}

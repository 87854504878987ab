// Compiles kernels: one shader module and one bind group layout a kernel, one pipeline a (kernel, constants).
// Knows no buffer.
import {GemmaError} from '../errors.ts';
import {type Constants, completeConstants, type Kernel} from './kernel.ts';

interface Compiled {
  module: GPUShaderModule;
  layout: GPUBindGroupLayout;
  pipelineLayout: GPUPipelineLayout;
  pipelines: Map<string, Promise<GPUComputePipeline>>;
}

const BUFFER_TYPES = {uniform: 'uniform', read: 'read-only-storage', read_write: 'storage'} as const;

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
   * The pipeline of a kernel with these constants; equal constants give the same pipeline.
   * @throws GemmaError `shader-invalid` with the compiler's message, `internal` for constants that do not fit.
   */
  get<C extends string>(kernel: Kernel<string, C>, constants: Constants<C>): Promise<GPUComputePipeline> {
    const compiled = this.#compiled(kernel);
    const values = completeConstants(kernel, constants);
    const key = JSON.stringify(values);
    let pipeline = compiled.pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(kernel, compiled, values);
      compiled.pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  /** The kernel's bind group layout: every binding explicit, so that an unused one does not vanish. */
  layout(kernel: Kernel): GPUBindGroupLayout {
    return this.#compiled(kernel).layout;
  }

  #compiled(kernel: Kernel): Compiled {
    const known = this.#kernels.get(kernel);
    if (known) return known;
    const layout = this.#device.createBindGroupLayout({
      label: kernel.name,
      entries: kernel.bindings.map(({access}, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: {type: BUFFER_TYPES[access]},
      })),
    });
    const compiled: Compiled = {
      module: this.#device.createShaderModule({label: kernel.name, code: kernel.code}),
      layout,
      pipelineLayout: this.#device.createPipelineLayout({label: kernel.name, bindGroupLayouts: [layout]}),
      pipelines: new Map(),
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

// Counts what a device is asked to make, whoever asks: buffers, bind groups, pipelines, encoders.

const METHODS = [
  'createBuffer',
  'createBindGroup',
  'createBindGroupLayout',
  'createPipelineLayout',
  'createShaderModule',
  'createComputePipeline',
  'createComputePipelineAsync',
  'createTexture',
  'createQuerySet',
  'createCommandEncoder',
] as const;

export interface ObjectCounts {
  /** Objects made since, by method; a method that was never called is missing. */
  readonly counts: Partial<Record<(typeof METHODS)[number], number>>;
  stop(): void;
}

/** Counts every object a device makes from now on. */
export function countObjects(device: GPUDevice): ObjectCounts {
  const counts: ObjectCounts['counts'] = {};
  const target = device as unknown as Record<string, unknown>;
  for (const name of METHODS) {
    const original = (device[name] as (...args: unknown[]) => unknown).bind(device);
    target[name] = (...args: unknown[]) => {
      counts[name] = (counts[name] ?? 0) + 1;
      return original(...args);
    };
  }
  return {
    counts,
    stop() {
      for (const name of METHODS) delete target[name]; // the prototype's is back
    },
  };
}

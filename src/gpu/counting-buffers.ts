// Buffers that are only counted: what an engine would take, without a device. Knows no tensor and no kernel.
import {type BufferCategory, type Buffers, bufferBytes, checkBufferBytes} from './buffers.ts';
import type {SizeLimits} from './device.ts';

/** Buffers that are only counted: no device is needed. */
export class CountingBuffers implements Buffers {
  readonly bytes: Record<BufferCategory, number> = {weights: 0, kv: 0, scratch: 0, adapters: 0};
  /** Bytes of the largest one. */
  largest = 0;
  readonly #limits: SizeLimits;

  constructor(limits: SizeLimits) {
    this.#limits = limits;
  }

  create(label: string, category: BufferCategory, size: number): GPUBuffer {
    const {maxBufferSize, maxStorageBufferBindingSize} = this.#limits;
    return this.#count(label, category, size, Math.min(maxBufferSize, maxStorageBufferBindingSize));
  }

  createFrom(label: string, category: BufferCategory, data: ArrayBufferView): GPUBuffer {
    return this.create(label, category, data.byteLength);
  }

  createUniform(label: string, size: number): GPUBuffer {
    return this.#count(label, 'scratch', size, this.#limits.maxBufferSize);
  }

  createReadback(label: string, size: number): GPUBuffer {
    return this.#count(label, 'scratch', size, this.#limits.maxBufferSize);
  }

  #count(label: string, category: BufferCategory, size: number, limit: number): GPUBuffer {
    const bytes = bufferBytes(size);
    checkBufferBytes(label, category, bytes, limit);
    this.bytes[category] += bytes;
    this.largest = Math.max(this.largest, bytes);
    return {label, size: bytes} as GPUBuffer;
  }
}

// Makes, counts and frees every GPUBuffer of the engine. Knows no tensor and no kernel.
import {GemmaError} from '../errors.ts';
import type {SizeLimits} from './device.ts';

/** What a buffer is counted as. */
export type BufferCategory = 'weights' | 'kv' | 'scratch' | 'adapters';

/** What a pool has made. */
export interface BufferStats {
  /** Bytes alive by category. */
  bytes: Readonly<Record<BufferCategory, number>>;
  /** Buffers alive. */
  buffers: number;
  /** Buffers ever made: a step that allocates shows here. */
  created: number;
}

interface Entry {
  category: BufferCategory;
  size: number;
}

/** What makes buffers: a pool on a device, or something that only counts. */
export interface Buffers {
  /**
   * A buffer of at least `size` bytes, zeroed, rounded up to 16 bytes so that it can be bound as vec4; shaders read and
   * write it.
   * @throws GemmaError `out-of-memory` when the size is above the limits.
   */
  create(label: string, category: BufferCategory, size: number): GPUBuffer;
  /** The same with these contents; the bytes after them are zero. */
  createFrom(label: string, category: BufferCategory, data: ArrayBufferView): GPUBuffer;
  /** A uniform that the host writes. Scratch. */
  createUniform(label: string, size: number): GPUBuffer;
  /** What the host maps to read. Scratch. */
  createReadback(label: string, size: number): GPUBuffer;
}

/** Bytes that a buffer of this size takes: it can be bound as vec4. */
export const bufferBytes = (size: number): number => Math.max(16, Math.ceil(size / 16) * 16);

/** @throws GemmaError `out-of-memory` */
export function checkBufferBytes(label: string, category: BufferCategory, bytes: number, limit: number): void {
  if (bytes <= limit) return;
  throw new GemmaError('out-of-memory', `${label} needs ${bytes} bytes in one buffer; this GPU allows ${limit}`, {
    detail: {label, category, bytes, limit},
  });
}

/** Buffers on a device, all freed together. */
export class BufferPool implements Buffers {
  readonly #device: GPUDevice;
  readonly #limits: SizeLimits;
  readonly #entries = new Map<GPUBuffer, Entry>();
  #created = 0;

  /** `limits`: what one buffer may have, where that is less than the device allows. */
  constructor(device: GPUDevice, limits: SizeLimits = device.limits) {
    this.#device = device;
    this.#limits = limits;
  }

  /**
   * A buffer of at least `size` bytes, zeroed, rounded up to 16 bytes so that it can be bound as vec4.
   * Wrap in `guarded` to learn about out-of-memory: creation itself does not throw for that.
   * @throws GemmaError `out-of-memory` when the size is above the limits.
   */
  create(
    label: string,
    category: BufferCategory,
    size: number,
    usage: GPUBufferUsageFlags = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
  ): GPUBuffer {
    const bytes = bufferBytes(size);
    const {maxBufferSize, maxStorageBufferBindingSize} = this.#limits;
    const limit = usage & GPUBufferUsage.STORAGE ? Math.min(maxBufferSize, maxStorageBufferBindingSize) : maxBufferSize;
    checkBufferBytes(label, category, bytes, limit);
    const buffer = this.#device.createBuffer({label, size: bytes, usage});
    this.#entries.set(buffer, {category, size: bytes});
    this.#created++;
    return buffer;
  }

  /** A buffer with these contents; its length is rounded up to 16 bytes, the rest is zero. */
  createFrom(label: string, category: BufferCategory, data: ArrayBufferView, usage?: GPUBufferUsageFlags): GPUBuffer {
    const buffer = this.create(label, category, data.byteLength, usage);
    const aligned = data.byteLength - (data.byteLength % 4);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (aligned > 0) this.#device.queue.writeBuffer(buffer, 0, bytes, 0, aligned);
    if (aligned < data.byteLength) {
      // writeBuffer wants multiples of 4 bytes.
      const tail = new Uint8Array(4);
      tail.set(bytes.subarray(aligned));
      this.#device.queue.writeBuffer(buffer, aligned, tail);
    }
    return buffer;
  }

  createUniform(label: string, size: number): GPUBuffer {
    return this.create(label, 'scratch', size, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  }

  createReadback(label: string, size: number): GPUBuffer {
    return this.create(label, 'scratch', size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  }

  /** Frees one buffer of this pool. Freeing it twice is harmless. */
  free(buffer: GPUBuffer): void {
    if (this.#entries.delete(buffer)) buffer.destroy();
  }

  stats(): BufferStats {
    const bytes = {weights: 0, kv: 0, scratch: 0, adapters: 0};
    for (const {category, size} of this.#entries.values()) bytes[category] += size;
    return {bytes, buffers: this.#entries.size, created: this.#created};
  }

  /** Frees every buffer, now or again: the pool can be used on. */
  destroy(): void {
    for (const buffer of this.#entries.keys()) buffer.destroy();
    this.#entries.clear();
  }
}

// The header of a generated model with a key or a tensor changed: what a damaged or hostile file says. Knows no config.

import {metadataOf, type WritableValue} from '../../scripts/model-files/gguf-writer.ts';
import type {Shape} from '../../scripts/model-files/model.ts';
import type {GgufFile, TensorInfo} from '../../src/gguf/gguf-file.ts';
import {Metadata, type MetadataValue} from '../../src/gguf/metadata.ts';
import {testModel} from './engine.ts';

export interface Changes {
  /** Replaces or removes (null) metadata. */
  metadata?: Record<string, WritableValue | null>;
  /** Replaces or removes (null) one tensor's entry. */
  tensor?: [name: string, change: Partial<TensorInfo> | null];
}

export async function changedHeader(shape: Shape, {metadata = {}, tensor}: Changes = {}): Promise<GgufFile> {
  const {file} = await testModel({shape, type: 'Q4_K'});
  const values = new Map<string, MetadataValue>();
  for (const key of file.metadata.keys()) values.set(key, file.metadata.raw(key)!);
  for (const [key, value] of Object.entries(metadata)) {
    values.delete(key);
    if (value !== null) values.set(key, metadataOf({[key]: value}).raw(key)!);
  }
  const tensors = new Map(file.tensors);
  if (tensor) {
    const [name, change] = tensor;
    const found = tensors.get(name)!;
    if (change) tensors.set(name, {...found, ...change});
    else tensors.delete(name);
  }
  return {...file, metadata: new Metadata(values), tensors};
}

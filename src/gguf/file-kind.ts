// What sort of GGUF file a header belongs to: a whole model, one shard of it, an adapter, a vision tower.
import type {Metadata} from './metadata.ts';

/** One file of a model that was cut into several. */
export interface SplitInfo {
  /** 0-based number of this file. The model's metadata are in file 0 only. */
  readonly no: number;
  readonly count: number;
  /** Tensors in all files together, where the file says so. */
  readonly tensorCount: number | undefined;
}

/**
 * The split keys of a header, or undefined for a file that stands alone.
 * @throws GemmaError `config-invalid` if a split key is no integer.
 */
export function splitInfo(metadata: Metadata): SplitInfo | undefined {
  const count = metadata.integer('split.count', 1);
  if (count <= 1) return undefined;
  return {
    no: metadata.integer('split.no', 0),
    count,
    tensorCount: metadata.has('split.tensors.count') ? metadata.integer('split.tensors.count') : undefined,
  };
}

/** A shard's file name taken apart: `<prefix>-00001-of-00003.gguf`. */
export interface SplitName {
  readonly prefix: string;
  /** 0-based, as `split.no`. */
  readonly no: number;
  readonly count: number;
}

/** Undefined if the name is no shard's. A query or fragment of a URL has to be cut off before. */
export function parseSplitName(name: string): SplitName | undefined {
  const match = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/.exec(name);
  if (!match) return undefined;
  const [no, count] = [Number(match[2]) - 1, Number(match[3])];
  return no >= 0 && no < count ? {prefix: match[1], no, count} : undefined;
}

/** The names of all files of a split model, in order. */
export function splitNames({prefix, count}: {prefix: string; count: number}): string[] {
  const digits = (n: number) => String(n).padStart(5, '0');
  return Array.from({length: count}, (_, i) => `${prefix}-${digits(i + 1)}-of-${digits(count)}.gguf`);
}

/** `general.type`: a LoRA is `adapter`, a vision or audio tower `mmproj`; a file without the key is a model. */
export type FileKind = 'model' | 'adapter' | 'mmproj' | 'other';

/**
 * What the file is, by its `general.type` and its split keys. @throws GemmaError `config-invalid` for values of the
 * wrong type
 */
export function fileKind(metadata: Metadata): FileKind {
  const type = metadata.string('general.type', 'model');
  return type === 'model' || type === 'adapter' || type === 'mmproj' ? type : 'other';
}

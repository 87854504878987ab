// What can be said about a model from its address alone: its file's name, where it comes from. Reads nothing, and never
// throws.
import type {ModelSrc} from '../../client/model-src.ts';
import {absoluteUrl} from '../../client/model-src.ts';
import {huggingFaceUrl, isShorthand} from '../../protocol/hugging-face.ts';

export interface ModelSource {
  /** Of the file, or of the first of several. */
  file: string;
  /** Where it is; null for a file of the visitor's own. */
  url: string | null;
  /** The host that is asked for the file; null for a file of the visitor's own, '' where the address names none. */
  host: string | null;
  /** Bytes, where the file is here. */
  size: number | null;
}

/** File name and origin for the poster. */
export function describeSource(src: ModelSrc, base: string): ModelSource {
  if (src instanceof Blob) return {file: fileName(src), url: null, host: null, size: src.size};
  if (Array.isArray(src)) {
    const size = src.reduce((bytes, {size}) => bytes + size, 0);
    return {file: src.length > 0 ? fileName(src[0]) : '', url: null, host: null, size};
  }
  const text = String(src);
  try {
    const url = new URL(isShorthand(text) ? (huggingFaceUrl(text) ?? '') : absoluteUrl(text, base));
    return {file: lastSegment(url), url: url.href, host: url.host, size: null};
  } catch {
    return {file: text, url: null, host: '', size: null};
  }
}

function fileName(blob: Blob): string {
  return (blob as Partial<File>).name || 'model.gguf';
}

function lastSegment(url: URL): string {
  const last = url.pathname.split('/').filter(Boolean).at(-1) ?? url.href;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

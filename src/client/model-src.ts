// What a page may name a model by, as the worker understands it: an address, the `hf:` shorthand, files. Opens nothing.
import {isShorthand} from '../protocol/hugging-face.ts';
import type {ModelRef, NamedBlob} from '../protocol/messages.ts';
import {found, unexpected} from '../protocol/options.ts';

/** How a page names a model: a URL, `hf:owner/repo/file.gguf[@revision]`, a file, or the files of a split model in any order. */
export type ModelSrc = string | URL | Blob | readonly Blob[];

/** What is expected, for an error. */
export const EXPECTED_SRC = 'the URL of a GGUF file, hf:owner/repo/file.gguf, a File or a Blob, or an array of Files';

/** Whether it may name a model; whether the URL is well-formed is not checked here. */
export function isModelSrc(value: unknown): value is ModelSrc {
  if (Array.isArray(value)) return value.length > 0 && value.every((one) => one instanceof Blob);
  return (typeof value === 'string' && value !== '') || value instanceof URL || value instanceof Blob;
}

/**
 * The model as the worker is told it. The shorthand `hf:…` stays as it is: the worker resolves it.
 * @param base what relative URLs are relative to
 * @throws GemmaError `option-invalid`
 */
export function modelRef(modelSrc: ModelSrc, base: string, integrity?: string): ModelRef {
  const expected = integrity === undefined ? {} : {integrity};
  if (modelSrc instanceof Blob) return {files: [named(modelSrc)], ...expected};
  if (Array.isArray(modelSrc)) return {files: modelSrc.map(named), ...expected};
  const text = String(modelSrc);
  return {url: isShorthand(text) ? text : absoluteUrl(text, base), ...expected};
}

/** Absolute and without fragment. @throws GemmaError `option-invalid` */
export function absoluteUrl(modelSrc: string, base: string): string {
  try {
    const url = new URL(modelSrc, base);
    url.hash = '';
    return url.href;
  } catch {
    throw unexpected('modelSrc', found(modelSrc), EXPECTED_SRC);
  }
}

function named(blob: Blob): NamedBlob {
  const {name} = blob as Partial<File>;
  return {blob, name: name || 'the given Blob'};
}

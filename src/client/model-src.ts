// What a page may name a model by, as the worker understands it: an address, the `hf:` shorthand, files. Opens nothing.
import type {GemmaError} from '../errors.ts';
import type {ModelRef, NamedBlob} from '../protocol/messages.ts';
import {found, unexpected} from '../protocol/options.ts';

/** A URL, `hf:owner/repo/file.gguf[@revision]`, a file, or the files of a split model in any order. */
export type ModelSrc = string | URL | Blob | readonly Blob[];

export const EXPECTED_SRC = 'the URL of a GGUF file, hf:owner/repo/file.gguf, a File or a Blob, or an array of Files';

export function isModelSrc(value: unknown): value is ModelSrc {
  if (Array.isArray(value)) return value.length > 0 && value.every((one) => one instanceof Blob);
  return (typeof value === 'string' && value !== '') || value instanceof URL || value instanceof Blob;
}

/** @throws GemmaError `option-invalid` */
export function modelRef(modelSrc: ModelSrc, base: string, integrity?: string): ModelRef {
  const expected = integrity === undefined ? {} : {integrity};
  if (modelSrc instanceof Blob) return {files: [named(modelSrc)], ...expected};
  if (Array.isArray(modelSrc)) return {files: modelSrc.map(named), ...expected};
  return {url: modelUrl(modelSrc as string | URL, base), ...expected};
}

/** Absolute and without fragment. @throws GemmaError `option-invalid` */
export function modelUrl(modelSrc: string | URL, base: string): string {
  const text = String(modelSrc);
  if (/^hf:/i.test(text)) return huggingFaceUrl(text);
  try {
    const url = new URL(text, base);
    url.hash = '';
    return url.href;
  } catch {
    throw invalid(text, EXPECTED_SRC);
  }
}

// What Hugging Face allows in names. No part may be dots alone, or it would leave its folder.
const NAME = /^(?!\.+$)[A-Za-z0-9._-]{1,96}$/;
// A branch, a tag or a commit; `refs/pr/1` is a branch too.
const REVISION = /^(?!.*(?:^|\/)\.+(?:\/|$))[A-Za-z0-9._/-]{1,128}$/;
const FILE = /^(?!\.+$)[^/\\?#%@\p{C}]{1,200}$/u;

function huggingFaceUrl(text: string): string {
  const [path, revision = 'main', ...more] = text.slice(3).split('@');
  const [owner, repo, ...file] = path.split('/');
  const valid =
    more.length === 0 &&
    NAME.test(owner) &&
    NAME.test(repo ?? '') &&
    file.length > 0 &&
    file.every((part) => FILE.test(part)) &&
    /\.gguf$/i.test(file.at(-1) ?? '') &&
    REVISION.test(revision);
  if (!valid) throw invalid(text, 'hf:owner/repo/file.gguf or hf:owner/repo/file.gguf@revision');
  const encoded = [owner, repo, 'resolve', revision, ...file].map((part) => encodeURIComponent(part));
  return `https://huggingface.co/${encoded.join('/')}`;
}

function named(blob: Blob): NamedBlob {
  const {name} = blob as Partial<File>;
  return {blob, name: name || 'the given Blob'};
}

function invalid(value: string, expected: string): GemmaError {
  return unexpected('modelSrc', found(value), expected);
}

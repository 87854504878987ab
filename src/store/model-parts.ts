// Which files make up a model that was cut into several, from the name of one of them. Reads none of them.
import {GemmaError} from '../errors.ts';
import {parseSplitName, splitNames} from '../gguf/file-kind.ts';
import type {ModelAddress} from './model-store.ts';

/** More than any model has, so that a name cannot make us ask for a hundred thousand files. */
const MAX_PARTS = 512;

/**
 * The addresses of all files of the model at `url`, in order; `url` alone where its name is no part's. Query and host
 * are the same for all.
 * @throws GemmaError `gguf-split`
 */
export function partUrls(url: string): string[] {
  if (!URL.canParse(url)) return [url]; // refused where it is opened
  const parsed = new URL(url);
  const slash = parsed.pathname.lastIndexOf('/') + 1;
  const split = parseSplitName(parsed.pathname.slice(slash));
  if (!split) return [url];
  requireFew(split.count, parsed.pathname.slice(slash));
  return splitNames(split).map((name) => {
    const part = new URL(parsed);
    part.pathname = parsed.pathname.slice(0, slash) + name;
    return part.href;
  });
}

/**
 * The same with the hash of each.
 * @throws GemmaError `gguf-split`; `option-invalid` where there is not one hash a file
 */
export function partAddresses(url: string, integrity?: string): ModelAddress[] {
  const urls = partUrls(url);
  const hashes = partHashes(integrity, urls.length);
  return urls.map((part, i) => (hashes ? {url: part, integrity: hashes[i]} : {url: part}));
}

/** `integrity` taken apart: one a file, in order. @throws GemmaError `option-invalid` */
export function partHashes(integrity: string | undefined, files: number): string[] | undefined {
  if (integrity === undefined || integrity.trim() === '') return undefined;
  const hashes = integrity.trim().split(/\s+/);
  if (hashes.length === files) return hashes;
  throw new GemmaError(
    'option-invalid',
    `integrity has ${hashes.length} hashes for a model of ${files} files; expected one a file, with spaces between`,
    {detail: {option: 'integrity'}},
  );
}

/**
 * Files that a visitor chose, in the order of their parts.
 * @throws GemmaError `gguf-split` where they are not all the files of one model.
 */
export function orderedParts<T extends {readonly name: string}>(files: readonly T[]): T[] {
  if (files.length === 1 && !parseSplitName(files[0].name)) return [...files];
  const first = parseSplitName(files[0].name);
  if (!first) {
    throw new GemmaError(
      'gguf-split',
      `${files.length} files were chosen and ${files[0].name} is no part of a split model. Choose one model at a time`,
    );
  }
  requireFew(first.count, files[0].name);
  const byName = new Map(files.map((file) => [file.name, file]));
  const names = splitNames(first);
  const missing = names.filter((name) => !byName.has(name));
  if (missing.length > 0 || byName.size > names.length) {
    const problem =
      missing.length > 0
        ? `${missing[0]} is missing${missing.length > 1 ? `, and ${missing.length - 1} more` : ''}`
        : 'files of other models are among them';
    throw new GemmaError('gguf-split', `the model has ${names.length} files; ${problem}. Choose all of them together`, {
      detail: {missing: missing.slice(0, 16)},
    });
  }
  return names.map((name) => byName.get(name)!);
}

function requireFew(count: number, name: string): void {
  if (count <= MAX_PARTS) return;
  throw new GemmaError('gguf-split', `${name} names ${count} files; at most ${MAX_PARTS} are accepted`);
}

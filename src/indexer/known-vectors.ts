// The vectors of the index that is in a folder already, by what they were made from. Knows no model.
import {readFile} from 'node:fs/promises';
import path from 'node:path';
import {promisify} from 'node:util';
import {gunzip} from 'node:zlib';
import {MANIFEST, MAX_FILE, parseManifest, readPages, readTextBlock, readTextDirectory} from '../knowledge/format.ts';
import {readVectorBlock, readVectorInfo} from '../knowledge/vectors.ts';
import {passageKey} from './passage-vectors.ts';

const unpack = promisify(gunzip);

/** Empty where there is no index, one of another model, or a damaged one. */
export async function knownVectors(folder: string, model: string): Promise<Map<string, Int8Array>> {
  const known = new Map<string, Int8Array>();
  const read = async (name: string): Promise<Uint8Array> =>
    unpack(await readFile(path.join(folder, name)), {maxOutputLength: MAX_FILE});
  try {
    const manifest = parseManifest(await readFile(path.join(folder, MANIFEST), 'utf8'));
    if (manifest.vectors === undefined) return known;
    const info = readVectorInfo(manifest.vectors, manifest.passages);
    if (info.model !== model) return known;
    const pages = readPages(await read(manifest.pages.file));
    const vectors = new Map<number, Int8Array>();
    for (const {file} of info.blocks) {
      for (const [passage, vector] of readVectorBlock(await read(file), info.dimensions, pages[pages.length - 1])) {
        vectors.set(passage, vector);
      }
    }
    for (const part of manifest.texts) {
      for (const {file} of readTextDirectory(await read(part.file))) {
        const block = readTextBlock(await read(file));
        for (const [number, {page, headings, text}] of block.passages) {
          const vector = vectors.get(number);
          if (vector) known.set(passageKey({title: block.pages[page].title, headings, text}), vector);
        }
      }
    }
  } catch {
    // All vectors are then made anew.
  }
  return known;
}

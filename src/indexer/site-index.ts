// `indexSite`: walks a site's folder, reads its pages in a fixed order and writes their index beside them. Owns files,
// duplicates and what is counted; what a page says is read-page.ts's, what an index is IndexBuilder's.
import {createHash} from 'node:crypto';
import {mkdir, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {gzipSync} from 'node:zlib';
import {GemmaError} from '../errors.ts';
import {PageSkipped, type SkipReason} from '../knowledge/extract.ts';
import {FILE_NAME, fileName, MANIFEST, MAX_PAGES} from '../knowledge/format.ts';
import {IndexBuilder} from '../knowledge/index-builder.ts';
import {cutPassages} from '../knowledge/passages.ts';
import {baseLanguage, Words} from '../knowledge/terms.ts';
import {Duplicates} from './duplicates.ts';
import {pageKind, readPage} from './read-page.ts';

export interface IndexSiteOptions {
  /** Folder of the built site. */
  folder: string;
  /** Where the index goes. Default: `knowledge` within `folder`. */
  out?: string;
  /** Language of pages that name none (ISO 639-1). Default `en`. */
  language?: string;
  /** Paths from `folder` to leave out: names of folders or files, or beginnings of paths. */
  exclude?: readonly string[];
  onProgress?: (done: number, total: number) => void;
}

export interface IndexReport {
  /** Pages in the index. */
  pages: number;
  passages: number;
  /** Files of the index, their bytes as stored, and how many of them were written anew or removed. */
  files: number;
  bytes: number;
  written: number;
  removed: number;
  /** Files that are no part of the index, by reason. */
  skipped: Partial<Record<SkipReason, string[]>>;
  /** SHA-256 of the manifest, for `integrity`. */
  integrity: string;
  milliseconds: number;
}

/** Largest file that is read, in bytes. */
const MAX_PAGE_BYTES = 16 * 2 ** 20;
const LEFT_OUT = new Set(['node_modules', '_sources', '404.html']);
const WRITERS = 16;

/** @throws GemmaError `option-invalid` for a folder that is not there or has no page */
export async function indexSite(options: IndexSiteOptions): Promise<IndexReport> {
  const start = performance.now();
  const folder = path.resolve(options.folder);
  const out = path.resolve(options.out ?? path.join(folder, 'knowledge'));
  const files = await pagesOf(folder, out, options.exclude ?? []);
  const output = await Output.open(out);
  const builder = new IndexBuilder((bytes) => output.add(bytes));
  const skipped: IndexReport['skipped'] = {};
  const skip = (reason: SkipReason, file: string): void => {
    const list = skipped[reason];
    if (list) list.push(file);
    else skipped[reason] = [file];
  };
  const duplicates = new Duplicates();
  // Beside built pages, Markdown and text are what they were made from, or notes.
  const built = files.some((file) => pageKind(file) === 'html');
  let pages = 0;
  for (const [i, file] of files.entries()) {
    options.onProgress?.(i, files.length);
    if (built && pageKind(file) !== 'html') {
      skip('source', file);
      continue;
    }
    try {
      const content = await read(path.join(folder, file), file);
      if (content.skip) throw new PageSkipped(content.skip);
      if (duplicates.seen(content.blocks)) throw new PageSkipped('duplicate');
      const passages = cutPassages(content.title, content.blocks);
      if (passages.length === 0) throw new PageSkipped('empty');
      const language = baseLanguage(content.language) || (options.language ?? 'en');
      const title = content.title || content.blocks.find(({level}) => level > 0)?.text.slice(0, 200) || file;
      builder.add({url: address(file), title, language, passages}, await wordsOf(language));
      pages += 1;
    } catch (error) {
      if (!(error instanceof PageSkipped)) throw error;
      skip(error.reason, file);
    }
    await output.flush();
  }
  options.onProgress?.(files.length, files.length);
  if (pages === 0)
    throw new GemmaError(
      'option-invalid',
      `${folder} has no page to index; expected .html, .md or .txt files with text`,
    );
  const site = relativeAddress(out, folder);
  const manifest = new TextEncoder().encode(`${JSON.stringify(builder.finish(site))}\n`);
  const totals = await output.finish(manifest);
  const integrity = `sha256-${createHash('sha256').update(manifest).digest('base64')}`;
  return {pages, passages: builder.passages, ...totals, skipped, integrity, milliseconds: performance.now() - start};
}

const knownWords = new Map<string, Promise<Words>>();
function wordsOf(language: string): Promise<Words> {
  let words = knownWords.get(language);
  if (!words) {
    words = Words.of(language);
    knownWords.set(language, words);
  }
  return words;
}

async function read(file: string, name: string) {
  const {size} = await stat(file);
  if (size > MAX_PAGE_BYTES) throw new PageSkipped('too-large');
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch {
    throw new PageSkipped('unreadable');
  }
  return readPage(bytes, pageKind(name)!);
}

/** Paths of pages with `/`, in the order in which they are read: of several versions, the newest first. */
async function pagesOf(folder: string, out: string, exclude: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const walk = async (under: string, depth: number): Promise<void> => {
    if (depth > 64) return;
    const entries = await readdir(path.join(folder, under), {withFileTypes: true});
    for (const entry of entries) {
      const file = under === '' ? entry.name : `${under}/${entry.name}`;
      if (entry.name.startsWith('.') || LEFT_OUT.has(entry.name) || path.join(folder, file) === out) continue;
      if (
        exclude.some(
          (each) => each === entry.name || file === each || file.startsWith(each.endsWith('/') ? each : `${each}/`),
        )
      )
        continue;
      // Links are not followed: they lead out of the site, or in circles.
      if (entry.isDirectory()) await walk(file, depth + 1);
      else if (entry.isFile() && pageKind(file)) found.push(file);
      if (found.length > MAX_PAGES)
        throw new GemmaError('option-invalid', `${folder} has more than ${MAX_PAGES} pages`);
    }
  };
  try {
    await walk('', 0);
  } catch (cause) {
    if (cause instanceof GemmaError) throw cause;
    throw new GemmaError('option-invalid', `${folder} cannot be read; expected the folder of a built site`, {cause});
  }
  const keys = new Map(found.map((file) => [file, orderKey(file)]));
  return found.sort((a, b) => compare(keys.get(a)!, keys.get(b)!));
}

const collator = new Intl.Collator('en', {numeric: true});
const VERSION = /^v?\d+(?:\.(?:\d+|x))*$/i;

/** Prints and old versions come last, so that of two equal pages the current one stays. */
function orderKey(file: string): [number, string, string] {
  const parts = file.toLowerCase().split('/');
  if (parts.some((part) => /^print(?:able)?(?:[-_.]|$)/.test(part))) return [2, '', file];
  const version = parts.find((part) => VERSION.test(part) || /^(?:next|canary|dev|unstable)$/.test(part));
  return version === undefined ? [0, '', file] : [1, version, file];
}

function compare(a: [number, string, string], b: [number, string, string]): number {
  return a[0] - b[0] || collator.compare(b[1], a[1]) || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0);
}

/** A page's address: an index file is its folder. */
function address(file: string): string {
  const url = file.replace(/(^|\/)index\.html?$/i, '$1');
  return url.split('/').map(encodeURIComponent).join('/');
}

function relativeAddress(from: string, to: string): string {
  const relative = path.relative(from, to).split(path.sep).join('/');
  return relative === '' ? './' : `${relative}/`;
}

/** The index's folder: writes what is new, keeps what is there, removes what is no longer named. */
class Output {
  readonly #folder: string;
  readonly #old: Set<string>;
  readonly #named = new Map<string, number>();
  #waiting: {name: string; bytes: Uint8Array}[] = [];
  #written = 0;

  private constructor(folder: string, old: Set<string>) {
    this.#folder = folder;
    this.#old = old;
  }

  static async open(folder: string): Promise<Output> {
    await mkdir(folder, {recursive: true});
    return new Output(folder, new Set((await readdir(folder)).filter((name) => FILE_NAME.test(name))));
  }

  add(bytes: Uint8Array): string {
    const name = fileName(createHash('sha256').update(bytes).digest());
    if (!this.#named.has(name)) {
      const packed = gzipSync(bytes, {level: 9});
      this.#named.set(name, packed.length);
      if (!this.#old.has(name)) this.#waiting.push({name, bytes: packed});
    }
    return name;
  }

  async flush(least = 64): Promise<void> {
    if (this.#waiting.length < least) return;
    const files = this.#waiting;
    this.#waiting = [];
    this.#written += files.length;
    for (let at = 0; at < files.length; at += WRITERS) {
      await Promise.all(
        files.slice(at, at + WRITERS).map(({name, bytes}) => writeFile(path.join(this.#folder, name), bytes)),
      );
    }
  }

  /** The manifest comes last: until then the old one's files are all there. */
  async finish(manifest: Uint8Array): Promise<{files: number; bytes: number; written: number; removed: number}> {
    await this.flush(1);
    const file = path.join(this.#folder, MANIFEST);
    const before = await readFile(file).catch(() => null);
    if (!before || Buffer.compare(before, manifest) !== 0) {
      await writeFile(file, manifest);
      this.#written += 1;
    }
    const gone = [...this.#old].filter((name) => !this.#named.has(name));
    for (const name of gone) await rm(path.join(this.#folder, name));
    let bytes = manifest.length;
    for (const size of this.#named.values()) bytes += size;
    return {files: this.#named.size + 1, bytes, written: this.#written, removed: gone.length};
  }
}

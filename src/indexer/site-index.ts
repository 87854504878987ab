// `indexSite`: walks a site's folder, reads its pages in a fixed order and writes their index beside them. Owns files,
// duplicates and what is counted; what a page says is read-page.ts's, what an index is IndexBuilder's.
import {createHash} from 'node:crypto';
import {mkdir, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {promisify} from 'node:util';
import {gzip} from 'node:zlib';
import {GemmaError} from '../errors.ts';
import {PageSkipped, type SkipReason} from '../knowledge/extract.ts';
import {FILE_NAME, fileName, MANIFEST, MAX_PAGES} from '../knowledge/format.ts';
import {IndexBuilder, KEPT_HEADINGS} from '../knowledge/index-builder.ts';
import {cutPassages} from '../knowledge/passages.ts';
import {baseLanguage, Words} from '../knowledge/terms.ts';
import {bertEncoder} from './bert-encoder.ts';
import {readBertModel} from './bert-model.ts';
import {Duplicates} from './duplicates.ts';
import {knownVectors} from './known-vectors.ts';
import {encoderNotice, writeNotice} from './notice.ts';
import {PassageVectors} from './passage-vectors.ts';
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
  /**
   * Folder of a model that embeds the passages, so that questions find what they mean in other words: a BERT as Hugging Face
   * stores it, such as sentence-transformers/all-MiniLM-L6-v2. Its weights, in 4 bits, become a part of the index.
   */
  vectors?: string;
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
  /** With `vectors`: the model, its licence as it says itself or '', and how many vectors the index before had already. */
  vectors?: {model: string; license: string; reused: number};
  /** SHA-256 of the manifest, for `integrity`. */
  integrity: string;
  milliseconds: number;
}

/** Largest file that is read, in bytes. */
const MAX_PAGE_BYTES = 16 * 2 ** 20;
const LEFT_OUT = new Set(['node_modules', '_sources', '404.html']);
/** Files that are packed and written, and that are read, at once. */
const WRITERS = 16;
const READERS = 4;

/** @throws GemmaError `option-invalid` for a folder that is not there or has no page */
export async function indexSite(options: IndexSiteOptions): Promise<IndexReport> {
  const folder = path.resolve(options.folder);
  const out = path.resolve(options.out ?? path.join(folder, 'knowledge'));
  const meaning = options.vectors === undefined ? null : await openVectors(options.vectors, out);
  try {
    return await makeIndex(options, folder, out, meaning);
  } finally {
    await meaning?.destroy();
  }
}

async function makeIndex(
  options: IndexSiteOptions,
  folder: string,
  out: string,
  meaning: Awaited<ReturnType<typeof openVectors>> | null,
): Promise<IndexReport> {
  const start = performance.now();
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
  const wanted = files.filter((file) => !built || pageKind(file) === 'html');
  for (const file of files) if (built && pageKind(file) !== 'html') skip('source', file);
  let done = 0;
  for await (const {file, bytes} of readAhead(folder, wanted)) {
    options.onProgress?.(done++, wanted.length);
    try {
      if ('skip' in bytes) throw new PageSkipped(bytes.skip);
      const content = readPage(bytes, pageKind(file)!);
      if (content.skip) throw new PageSkipped(content.skip);
      if (duplicates.seen(content.blocks)) throw new PageSkipped('duplicate');
      const passages = cutPassages(content.title, content.blocks);
      if (passages.length === 0) throw new PageSkipped('empty');
      const language = baseLanguage(content.language) || (options.language ?? 'en');
      const title = content.title || content.blocks.find(({level}) => level > 0)?.text.slice(0, 200) || file;
      const first = builder.add({url: address(file), title, language, passages}, await wordsOf(language));
      await meaning?.vectors.add(
        first,
        passages.map(({headings, text}) => ({title, headings: headings.slice(-KEPT_HEADINGS), text})),
      );
      pages += 1;
    } catch (error) {
      if (!(error instanceof PageSkipped)) throw error;
      skip(error.reason, file);
    }
    await output.flush();
  }
  options.onProgress?.(wanted.length, wanted.length);
  if (pages === 0)
    throw new GemmaError(
      'option-invalid',
      `${folder} has no page to index; expected .html, .md or .txt files with text`,
    );
  const site = relativeAddress(out, folder);
  const vectors = await meaning?.vectors.finish((bytes) => output.add(bytes));
  const manifest = new TextEncoder().encode(`${JSON.stringify(builder.finish(site, vectors))}\n`);
  const totals = await output.finish(manifest);
  await writeNotice(out, meaning?.notice ?? null);
  const integrity = `sha256-${createHash('sha256').update(manifest).digest('base64')}`;
  return {
    pages,
    passages: builder.passages,
    ...totals,
    skipped,
    ...(meaning ? {vectors: {model: meaning.model, license: meaning.license, reused: meaning.vectors.reused}} : {}),
    integrity,
    milliseconds: performance.now() - start,
  };
}

async function openVectors(folder: string, out: string) {
  const model = await readBertModel(path.resolve(folder));
  const encoder = bertEncoder(model, path.resolve(folder));
  const vectors = new PassageVectors(encoder, await knownVectors(out, encoder.model));
  const notice = await encoderNotice(folder, model);
  return {vectors, model: model.name, license: model.license, notice, destroy: () => encoder.destroy()};
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

/** The bytes of files in order, or why they are left out: a few are read while one is looked at. */
async function* readAhead(folder: string, files: readonly string[]) {
  const ahead: Promise<Uint8Array | {skip: SkipReason}>[] = [];
  for (let i = 0; i < files.length; i++) {
    while (ahead.length < READERS && i + ahead.length < files.length) {
      ahead.push(read(path.join(folder, files[i + ahead.length])));
    }
    yield {file: files[i], bytes: await ahead.shift()!};
  }
}

async function read(file: string): Promise<Uint8Array | {skip: SkipReason}> {
  try {
    const {size} = await stat(file);
    return size > MAX_PAGE_BYTES ? {skip: 'too-large'} : await readFile(file);
  } catch {
    return {skip: 'unreadable'};
  }
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

const pack = promisify(gzip);

/** The index's folder: writes what is new, keeps what is there, removes what is no longer named. */
class Output {
  readonly #folder: string;
  readonly #old: Set<string>;
  /** Bytes as stored, by name. */
  readonly #named = new Map<string, number>();
  #waiting: {name: string; bytes: Uint8Array}[] = [];
  #writing: Promise<unknown> = Promise.resolve();
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
      this.#named.set(name, 0);
      this.#waiting.push({name, bytes});
    }
    return name;
  }

  /** Packs and writes what waits, beside what comes next. Returns when all that was begun before is written. */
  async flush(least = 64): Promise<void> {
    if (this.#waiting.length < least) return;
    const files = this.#waiting;
    this.#waiting = [];
    await this.#writing;
    this.#writing = this.#write(files);
    // Awaited with the next.
    this.#writing.catch(() => undefined);
  }

  async #write(files: readonly {name: string; bytes: Uint8Array}[]): Promise<void> {
    for (let at = 0; at < files.length; at += WRITERS) {
      await Promise.all(
        files.slice(at, at + WRITERS).map(async ({name, bytes}) => {
          const packed = await pack(bytes, {level: 9});
          this.#named.set(name, packed.length);
          if (this.#old.has(name)) return;
          await writeFile(path.join(this.#folder, name), packed);
          this.#written += 1;
        }),
      );
    }
  }

  /** The manifest comes last: until then the old one's files are all there. */
  async finish(manifest: Uint8Array): Promise<{files: number; bytes: number; written: number; removed: number}> {
    await this.flush(1);
    await this.#writing;
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

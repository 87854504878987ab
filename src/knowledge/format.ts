// The files of an index, as the command writes them and the search reads them. Knows no ranking and no network.
//
//   manifest.json      what the index is of, and the names of the files that name the others
//   <hash>.bin         everything else, gzipped; the name is the start of the SHA-256 of what is in the gzip
//
// A passage's number is its place in the order of pages: each page begins at a multiple of PAGE_STEP, so that a passage
// more or less on one page leaves the numbers of the others as they are.
//
//   pages              passages of each page
//   terms directory    the first term and the name of each term shard, in order; several where there are many shards
//   term shard         terms in order, each with the passages it is in and how much it says of them
//   texts directory    the first passage and the name of each text block
//   text block         pages and passages to show, as JSON
//   vector block       vectors of passages, where the index has them (vectors.ts)
//   encoder            what embeds a question, where the index has it (encoder/files.ts)
import {ByteReader, ByteWriter, invalidIndex} from './bytes.ts';
import {MAX_STARTER, MOST_STARTERS} from './starters.ts';

export const FORMAT_VERSION = 1;
export const MANIFEST = 'manifest.json';
export const PAGE_STEP = 4;
/** Bytes of a hash that make a file's name, twice as many letters. */
export const NAME_BYTES = 12;
export const FILE_NAME = /^[0-9a-f]{24}\.bin$/;
/** Most bytes of a file, as fetched and unpacked. */
export const MAX_FILE = 8 * 2 ** 20;
export const MAX_MANIFEST = 2 ** 20;
/** Most bytes of a shard and of a block, which are read in one go: many times those that the command writes. */
export const MAX_SHARD = 2 ** 17;
export const MAX_BLOCK = 2 ** 19;
/** How much a term says of a passage, in steps of 1 to this. */
export const IMPACT_STEPS = 31;
/** Entries of one directory. */
export const DIRECTORY_SIZE = 2048;
export const MAX_PAGES = 1_000_000;

export interface Manifest {
  /** FORMAT_VERSION. */
  version: number;
  /** From the index's folder to the folder that page addresses begin at, such as `../`. */
  site: string;
  /** Languages of the pages (ISO 639-1), the one of most pages first; '' is none. */
  languages: string[];
  pages: {file: string; count: number};
  passages: number;
  /** Headings to begin with, as text. */
  starters?: string[];
  terms: DirectoryEntry<string>[];
  texts: DirectoryEntry<number>[];
  /** Vectors of the passages, where the index has them: VectorInfo in vectors.ts. */
  vectors?: unknown;
}

/** The first key of a file, and its name. */
export interface DirectoryEntry<Key extends string | number> {
  first: Key;
  file: string;
}

export interface Posting {
  passage: number;
  /** 1 to IMPACT_STEPS. */
  impact: number;
}

export interface TermEntry {
  /** In how many passages the term is. */
  passages: number;
  /** The passages it says most of, by number: all, or as many as a shard keeps. */
  postings: Posting[];
}

export interface PageText {
  /** Address from the site's folder. */
  url: string;
  title: string;
}

export interface PassageText {
  /** Index in `pages`. */
  page: number;
  headings: string[];
  anchor: string;
  text: string;
}

export interface TextBlock {
  pages: PageText[];
  /** By number. */
  passages: Map<number, PassageText>;
}

/** A file of the index is called by the first twelve bytes of its SHA-256, in hex. */
export function fileName(sha256: Uint8Array): string {
  let name = '';
  for (const byte of sha256.subarray(0, NAME_BYTES)) name += byte.toString(16).padStart(2, '0');
  return `${name}.bin`;
}

function nameBytes(file: string): Uint8Array {
  const bytes = new Uint8Array(NAME_BYTES);
  for (let i = 0; i < NAME_BYTES; i++) bytes[i] = Number.parseInt(file.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** @throws KnowledgeFailure `knowledge-invalid` */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidIndex(`${MANIFEST} is no JSON`);
  }
  const manifest = value as Manifest;
  if (typeof value !== 'object' || value === null || manifest.version !== FORMAT_VERSION) {
    throw invalidIndex(`${MANIFEST} is of another version than ${FORMAT_VERSION}`);
  }
  const {site, languages, pages, passages, starters, terms, texts} = manifest;
  const wrong =
    typeof site !== 'string' || site.length > 2000
      ? 'site'
      : !Array.isArray(languages) || languages.length > 100 || !languages.every((each) => /^[a-z]{0,3}$/.test(each))
        ? 'languages'
        : !isFile(pages?.file) || !isCount(pages.count, MAX_PAGES)
          ? 'pages'
          : !isCount(passages, 0x7fffffff)
            ? 'passages'
            : starters !== undefined && !isStarters(starters)
              ? 'starters'
              : !isDirectory(terms, (first) => typeof first === 'string' && first.length <= 200)
                ? 'terms'
                : !isDirectory(texts, (first) => isCount(first, 0x7fffffff))
                  ? 'texts'
                  : null;
  if (wrong) throw invalidIndex(`${MANIFEST} has no valid "${wrong}"`);
  return manifest;
}

const isStarters = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= MOST_STARTERS && value.every((each) => isText(each, MAX_STARTER));
export const isFile = (value: unknown): value is string => typeof value === 'string' && FILE_NAME.test(value);
const isCount = (value: unknown, most: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;

export function isDirectory(value: unknown, isKey: (first: unknown) => boolean): boolean {
  if (!Array.isArray(value) || value.length > 10_000) return false;
  return value.every(
    (entry, i) => isKey(entry?.first) && isFile(entry.file) && (i === 0 || value[i - 1].first < entry.first),
  );
}

/** The number of passages of each page. */
export function writePages(counts: readonly number[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.number(counts.length);
  for (const count of counts) writer.number(count);
  return writer.finish();
}

/** The first passage of each page, and after them the first that no page has. */
export function readPages(bytes: Uint8Array): Uint32Array {
  const reader = new ByteReader(bytes, 'the list of pages');
  const count = reader.count();
  if (count > MAX_PAGES) throw invalidIndex('it has too many pages');
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) starts[i + 1] = nextPage(starts[i], Math.min(reader.number(), 10_000));
  reader.end();
  return starts;
}

/** Where the page after one of `count` passages begins. */
export function nextPage(start: number, count: number): number {
  return start + Math.ceil(count / PAGE_STEP) * PAGE_STEP;
}

/** Where the postings of terms are: the first term of each file, in order. */
export function writeTermDirectory(entries: readonly DirectoryEntry<string>[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.number(entries.length);
  for (const {first, file} of entries) {
    writer.text(first);
    writer.raw(nameBytes(file));
  }
  return writer.finish();
}

/** What `writeTermDirectory` wrote. @throws KnowledgeFailure */
export function readTermDirectory(bytes: Uint8Array): DirectoryEntry<string>[] {
  const reader = new ByteReader(bytes, 'a directory of terms');
  const entries = Array.from({length: directorySize(reader)}, () => ({
    first: reader.text(),
    file: readName(reader),
  }));
  reader.end();
  return inOrder(entries, 'a directory of terms');
}

/** Where the texts of passages are: the first passage of each file, in order. */
export function writeTextDirectory(entries: readonly DirectoryEntry<number>[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.number(entries.length);
  let last = 0;
  for (const {first, file} of entries) {
    writer.number(first - last);
    writer.raw(nameBytes(file));
    last = first;
  }
  return writer.finish();
}

/** What `writeTextDirectory` wrote. @throws KnowledgeFailure */
export function readTextDirectory(bytes: Uint8Array): DirectoryEntry<number>[] {
  const reader = new ByteReader(bytes, 'a directory of texts');
  let last = 0;
  const entries = Array.from({length: directorySize(reader)}, () => {
    last += reader.number();
    return {first: last, file: readName(reader)};
  });
  reader.end();
  return inOrder(entries, 'a directory of texts');
}

/** @throws KnowledgeFailure for more entries than a directory has */
function directorySize(reader: ByteReader): number {
  const count = reader.count(NAME_BYTES);
  if (count > DIRECTORY_SIZE) throw invalidIndex(`a directory has more than ${DIRECTORY_SIZE} entries`);
  return count;
}

function readName(reader: ByteReader): string {
  return fileName(reader.raw(NAME_BYTES));
}

function inOrder<Key extends string | number>(entries: DirectoryEntry<Key>[], what: string): DirectoryEntry<Key>[] {
  for (let i = 1; i < entries.length; i++) {
    if (!(entries[i - 1].first < entries[i].first)) throw invalidIndex(`${what} is out of order`);
  }
  return entries;
}

/** `terms` in order of UTF-16 units; postings by passage. */
export function writeTermShard(terms: readonly (readonly [string, TermEntry])[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.number(terms.length);
  let last = '';
  for (const [term, {passages, postings}] of terms) {
    let shared = 0;
    while (shared < last.length && shared < term.length && last[shared] === term[shared]) shared += 1;
    writer.number(shared);
    writer.text(term.slice(shared));
    writer.number(passages);
    writer.number(postings.length);
    let passage = 0;
    for (const posting of postings) {
      writer.number(posting.passage - passage);
      passage = posting.passage;
    }
    for (const {impact} of postings) writer.byte(impact);
    last = term;
  }
  return writer.finish();
}

/** @param limit one more than the highest number of a passage */
export function readTermShard(bytes: Uint8Array, limit: number): Map<string, TermEntry> {
  if (bytes.length > MAX_SHARD) throw invalidIndex(`a shard of terms has more than ${MAX_SHARD} bytes`);
  const reader = new ByteReader(bytes, 'a shard of terms');
  const terms = new Map<string, TermEntry>();
  let last = '';
  for (let left = reader.count(5); left > 0; left--) {
    const shared = reader.number();
    if (shared > last.length) throw invalidIndex('a shard of terms is damaged');
    const term = last.slice(0, shared) + reader.text();
    const passages = reader.number();
    const length = reader.count(2);
    if (term.length > 200 || length > passages || passages > limit) throw invalidIndex('a shard of terms is damaged');
    const postings: Posting[] = new Array(length);
    let passage = 0;
    for (let i = 0; i < length; i++) {
      passage += reader.number();
      if (passage >= limit) throw invalidIndex('a shard of terms names passages that there are not');
      postings[i] = {passage, impact: 0};
    }
    const impacts = reader.raw(length);
    for (let i = 0; i < length; i++) postings[i].impact = Math.min(impacts[i], IMPACT_STEPS);
    terms.set(term, {passages, postings});
    last = term;
  }
  reader.end();
  return terms;
}

/** Titles, addresses, headings and texts of neighbouring passages. */
export function writeTextBlock({pages, passages}: TextBlock): Uint8Array<ArrayBuffer> {
  const json = {
    pages: pages.map(({url, title}) => [url, title]),
    passages: [...passages].map(([number, {page, headings, anchor, text}]) => [number, page, headings, anchor, text]),
  };
  return new TextEncoder().encode(JSON.stringify(json));
}

/** @throws KnowledgeFailure `knowledge-invalid` */
export function readTextBlock(bytes: Uint8Array): TextBlock {
  if (bytes.length > MAX_BLOCK) throw invalidIndex(`a block of texts has more than ${MAX_BLOCK} bytes`);
  const what = invalidIndex('a block of texts is damaged');
  let json: {pages: unknown; passages: unknown};
  try {
    json = JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(bytes));
  } catch {
    throw what;
  }
  if (!Array.isArray(json?.pages) || !Array.isArray(json.passages)) throw what;
  const pages = json.pages.map((entry: unknown) => {
    if (!Array.isArray(entry) || !isText(entry[0], 2000) || !isText(entry[1], 1000)) throw what;
    return {url: entry[0], title: entry[1]};
  });
  const passages = new Map<number, PassageText>();
  for (const entry of json.passages) {
    if (!Array.isArray(entry)) throw what;
    const [number, page, headings, anchor, text] = entry;
    if (!isCount(number, 0x7fffffff) || !isCount(page, pages.length - 1)) throw what;
    if (!isText(anchor, 1000) || !isText(text, 100_000)) throw what;
    if (!Array.isArray(headings) || headings.length > 10 || !headings.every((each) => isText(each, 1000))) throw what;
    passages.set(number, {page, headings, anchor, text});
  }
  return {pages, passages};
}

const isText = (value: unknown, most: number): value is string => typeof value === 'string' && value.length <= most;

// One file of a site to its passages: decodes, parses, extracts, cuts. Knows no folder and no index.
import {Parser} from 'htmlparser2';
import {marked} from 'marked';
import {Extractor, type PageContent} from '../knowledge/extract.ts';

export type PageKind = 'html' | 'markdown' | 'text';

const KINDS: Readonly<Record<string, PageKind>> = {
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  md: 'markdown',
  markdown: 'markdown',
  mdx: 'markdown',
  txt: 'text',
};

/** What a file is by its ending; null where it is no page. */
export function pageKind(path: string): PageKind | null {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1].toLowerCase() ?? '';
  return Object.hasOwn(KINDS, extension) ? KINDS[extension] : null;
}

/** @throws PageSkipped */
export function readPage(bytes: Uint8Array, kind: PageKind): PageContent {
  const text = decode(bytes, kind);
  if (kind === 'html') return readHtml(text);
  if (kind === 'markdown') return readMarkdown(text);
  return readText(text);
}

/** @throws PageSkipped */
export function readHtml(html: string): PageContent {
  const extractor = new Extractor();
  const parser = new Parser(
    {
      onopentag: (name, attributes) => extractor.open(name, attributes),
      ontext: (data) => extractor.text(data),
      onclosetag: (name) => extractor.close(name),
    },
    {decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true},
  );
  parser.write(html);
  parser.end();
  return extractor.content();
}

function readMarkdown(source: string): PageContent {
  const {body, fields} = frontMatter(source);
  // As data for the extractor, never as a page.
  const page = readHtml(marked.parse(body, {async: false, gfm: true}) as string);
  const first = page.blocks.find(({level}) => level > 0 && level < 7)?.text ?? '';
  const used = new Map<string, number>();
  for (const block of page.blocks) {
    if (block.level > 0 && block.level < 7 && block.anchor === '') block.anchor = slug(block.text, used);
  }
  const skip = /^(?:true|yes)$/i.test(fields.noindex ?? fields.draft ?? '') ? 'noindex' : page.skip;
  return {...page, title: fields.title ?? first, language: fields.lang ?? '', skip};
}

function readText(source: string): PageContent {
  const blocks = source
    .split(/\n\s*\n/)
    .map((text) => ({text: text.trim(), level: 0, anchor: ''}))
    .filter(({text}) => text !== '');
  const title = blocks[0]?.text.split('\n')[0].slice(0, 120) ?? '';
  return {title, language: '', canonical: '', blocks, skip: blocks.length === 0 ? 'empty' : null};
}

/** The simple fields of a page's front matter. */
function frontMatter(source: string): {body: string; fields: Record<string, string>} {
  const match = /^\uFEFF?---\r?\n([\s\S]{0,20000}?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(source);
  if (!match) return {body: source, fields: {}};
  const fields: Record<string, string> = {};
  for (const line of match[1].split('\n')) {
    const [, name, value] = /^([a-z]+):[ \t]*(.*?)[ \t\r]*$/i.exec(line) ?? [];
    if (name) fields[name.toLowerCase()] = value.replace(/^(["'])(.*)\1$/, '$2');
  }
  return {body: source.slice(match[0].length), fields};
}

/** The id that GitHub and most generators give to a heading. */
function slug(text: string, used: Map<string, number>): string {
  const base = text
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replace(/ /g, '-');
  const count = used.get(base) ?? 0;
  used.set(base, count + 1);
  return count === 0 ? base : `${base}-${count}`;
}

function decode(bytes: Uint8Array, kind: PageKind): string {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    const head = new TextDecoder('latin1').decode(bytes.subarray(0, 2048));
    const named = kind === 'html' ? /<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{1,40})/i.exec(head)?.[1] : undefined;
    const mark =
      bytes[0] === 0xff && bytes[1] === 0xfe
        ? 'utf-16le'
        : bytes[0] === 0xfe && bytes[1] === 0xff
          ? 'utf-16be'
          : undefined;
    try {
      return new TextDecoder(mark ?? named ?? 'windows-1252').decode(bytes);
    } catch {
      return new TextDecoder('windows-1252').decode(bytes);
    }
  }
}

// The whole way from pages to passages: a folder is indexed, and its files are searched as a browser would.
import {createHash} from 'node:crypto';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {gunzipSync, gzipSync} from 'node:zlib';
import {expect} from 'chai';
import {indexSite} from '../../../src/indexer/site-index.ts';
import {ByteWriter} from '../../../src/knowledge/bytes.ts';
import {KnowledgeFailure} from '../../../src/knowledge/failure.ts';
import {
  fileName,
  MAX_BLOCK,
  MAX_FILE,
  MAX_SHARD,
  parseManifest,
  readPages,
  readTermDirectory,
  readTermShard,
  readTextBlock,
  writeTermDirectory,
  writeTermShard,
} from '../../../src/knowledge/format.ts';
import {type FilesPlatform, IndexFiles} from '../../../src/knowledge/index-files.ts';
import {SiteSearch} from '../../../src/knowledge/search.ts';

const paragraph = (subject: string): string =>
  `<p>${`The ${subject} is described here at some length. `.repeat(15)}</p>`;
const page = (title: string, body: string): string =>
  `<html lang="en"><title>${title}</title><main><h1 id="top">${title}</h1>${body}</main>`;
const SITE: Record<string, string> = {
  'index.html': page('Garden', paragraph('garden')),
  'care/roses.html': page(
    'Roses',
    `${paragraph('rose')}<h2 id="prune">Pruning</h2><p>Cut old branches in spring.</p>${paragraph('branch')}`,
  ),
  'care/tulips.html': page(
    'Tulips',
    `${paragraph('tulip')}<h2>Storing bulbs</h2><p>Keep tulip bulbs dry in winter.</p>`,
  ),
  'v1/care/roses.html': page(
    'Roses',
    `${paragraph('rose')}<h2 id="prune">Pruning</h2><p>Cut old branches in spring.</p>${paragraph('branch')}`,
  ),
  'secret.html': '<meta name="robots" content="noindex"><main><p>secret</p></main>',
  'notes.md': '# Notes',
};

const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> => createHash('sha256').update(bytes).digest();
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => null,
    (reason) => reason,
  );
  if (!(error instanceof KnowledgeFailure)) throw error ?? new Error('nothing was thrown');
  return error.code;
};

class Folder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'gemma-chat-knowledge-'));
  write(files: Record<string, string | Uint8Array>): this {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(this.path, name);
      mkdirSync(path.dirname(file), {recursive: true});
      writeFileSync(file, content);
    }
    return this;
  }
  remove(): void {
    rmSync(this.path, {recursive: true});
  }
  names(): string[] {
    return readdirSync(path.join(this.path, 'knowledge')).sort();
  }
}

/** A server of the folder, which counts, and may answer otherwise. */
function platform(
  folder: string,
  change: (name: string, bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | null = (_, bytes) => bytes,
) {
  const asked: string[] = [];
  const fetch: FilesPlatform['fetch'] = async (url) => {
    const name = new URL(url).pathname.slice(1);
    asked.push(path.basename(name));
    const bytes = change(path.basename(name), new Uint8Array(readFileSync(path.join(folder, name))));
    if (!bytes) throw new TypeError('no network');
    return new Response(bytes);
  };
  return {asked, platform: {fetch, caches: null, sha256} satisfies FilesPlatform};
}

const open = (on: FilesPlatform, options?: {integrity?: string}) =>
  SiteSearch.open(new IndexFiles('https://site.test/knowledge/', on), options);

describe('an index of a site', () => {
  let folder: Folder;
  before(async () => {
    folder = new Folder().write(SITE);
    await indexSite({folder: folder.path});
  });
  after(() => folder.remove());

  it('has the pages of the site, each once, and says what it left out', async () => {
    const report = await indexSite({folder: folder.path});
    expect(report.pages).to.equal(3);
    expect(report.skipped).to.deep.equal({
      duplicate: ['v1/care/roses.html'],
      noindex: ['secret.html'],
      source: ['notes.md'],
    });
    expect(report.files).to.equal(folder.names().length);
    expect(report).to.include({written: 0, removed: 0});
  });

  it('is the same for the same site', async () => {
    const other = new Folder().write(SITE);
    await indexSite({folder: other.path});
    expect(other.names()).to.deep.equal(folder.names());
    for (const name of other.names()) {
      expect(
        readFileSync(path.join(other.path, 'knowledge', name)).equals(
          readFileSync(path.join(folder.path, 'knowledge', name)),
        ),
      ).to.equal(true);
    }
    other.remove();
  });

  it('leaves the files of other pages as they are when one page changes, and removes what is no longer used', async () => {
    const many = Object.fromEntries(
      Array.from({length: 40}, (_, i) => [
        `p${String(i).padStart(2, '0')}.html`,
        page(
          `Page ${i}`,
          Array.from({length: 12}, (_, j) => `<h2>Part${i}x${j}</h2>${paragraph(`thing${i}x${j}`)}`).join(''),
        ),
      ]),
    );
    const site = new Folder().write(many);
    const first = await indexSite({folder: site.path});
    site.write({'p20.html': many['p20.html'].replace('</main>', '<p>One more sentence.</p></main>')});
    const second = await indexSite({folder: site.path});
    expect(second.files).to.equal(first.files);
    expect(second.written).to.be.below(first.files / 3);
    expect(second.removed).to.equal(second.written - 1);
    expect(site.names()).to.have.length(second.files);
    site.remove();
  });

  it('finds the passage, its page and its heading, by other forms of the words', async () => {
    const search = await open(platform(folder.path).platform);
    const {passages, sufficient} = await search.search('how do I prune a rose?');
    expect(passages[0]).to.include({url: 'https://site.test/care/roses.html#prune', title: 'Roses'});
    expect(passages[0].headings).to.deep.equal(['Roses', 'Pruning']);
    expect(passages[0].text).to.contain('Cut old branches in spring.');
    expect(sufficient).to.equal(true);
  });

  it('reads a passage that goes on where a better one ends in one piece with it', async () => {
    const search = await open(platform(folder.path).platform);
    const {passages} = await search.search('roses');
    const [first] = passages.filter(({url}) => url.includes('roses'));
    expect(first.headings).to.deep.equal(['Roses']);
    expect(first.text).to.match(/^Roses\n.*The rose is.*\nPruning\nCut old branches in spring\./s);
    expect(passages.filter(({text}) => text.includes('Cut old branches'))).to.have.length(1);
  });

  it('mends a typing error and says so, and does not claim to know what the site does not', async () => {
    const search = await open(platform(folder.path).platform);
    const mended = await search.search('storing tulpi bublbs');
    expect(mended.corrections.map(({word}) => word).sort()).to.deep.equal(['bublbs', 'tulpi']);
    expect(mended.passages[0].url).to.contain('tulips');
    const unknown = await search.search('quarterly payroll accounting in Luxembourg');
    expect(unknown).to.include({sufficient: false});
    expect((await search.search('')).passages).to.deep.equal([]);
  });

  it('fetches each file once, and only what a question needs', async () => {
    const served = platform(folder.path);
    const search = await open(served.platform);
    await Promise.all([search.search('rose'), search.search('rose'), search.search('rose branches')]);
    expect(new Set(served.asked).size).to.equal(served.asked.length);
  });

  it('works without a network once its files were fetched', async () => {
    const stored = new Map<string, Response>();
    const cache = {
      match: async (url: string) => stored.get(url)?.clone(),
      put: async (url: string, response: Response) => void stored.set(url, response),
    };
    const caches = {open: async () => cache} as unknown as CacheStorage;
    let online = true;
    const served = platform(folder.path, (_, bytes) => (online ? bytes : null));
    const on = {...served.platform, caches};
    const first = await (await open(on)).search('prune roses');
    online = false;
    expect(await (await open(on)).search('prune roses')).to.deep.equal(first);
    expect(
      await codeOf((await open(on)).search('tulips stored in winter, dry').then(() => open({...on, caches: null}))),
    ).to.equal('network');
  });

  it('stops waiting when it is told to, and answers others that wait for the same', async () => {
    const search = await open(platform(folder.path).platform);
    const stop = new AbortController();
    const stopped = search.search('rose', {signal: stop.signal});
    const other = search.search('rose');
    stop.abort();
    expect(await stopped.catch((error) => error.name)).to.equal('AbortError');
    expect((await other).passages).to.not.be.empty;
  });
});

describe('a poisoned index', () => {
  let folder: Folder;
  let integrity: string;
  before(async () => {
    folder = new Folder().write(SITE);
    ({integrity} = await indexSite({folder: folder.path}));
  });
  after(() => folder.remove());

  it('is refused as a whole where its manifest is not the one that the page names', async () => {
    await open(platform(folder.path).platform, {integrity});
    const changed = platform(folder.path, (name, bytes) =>
      name === 'manifest.json' ? new TextEncoder().encode(` ${new TextDecoder().decode(bytes)}`) : bytes,
    );
    expect(await codeOf(open(changed.platform, {integrity}))).to.equal('integrity-mismatch');
    expect(await codeOf(open({...platform(folder.path).platform, sha256: null}, {integrity}))).to.equal(
      'integrity-mismatch',
    );
  });

  it('is refused where a file is not what its name says', async () => {
    const changed = platform(folder.path, (name, bytes) =>
      name === 'manifest.json' ? bytes : new Uint8Array(gzipSync(new Uint8Array([...gunzipSync(bytes), 0]))),
    );
    expect(await codeOf(open(changed.platform))).to.equal('knowledge-invalid');
  });

  it('is refused where a small file unpacks to a large one, or is endless', async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(MAX_FILE + 1)));
    const changed = platform(folder.path, (name, bytes) => (name === 'manifest.json' ? bytes : bomb));
    expect(await codeOf(open(changed.platform))).to.equal('knowledge-invalid');
    const endless = platform(folder.path).platform;
    const fetch = async () =>
      new Response(new ReadableStream({pull: (controller) => controller.enqueue(new Uint8Array(65536))}));
    expect(await codeOf(open({...endless, fetch}))).to.equal('knowledge-invalid');
  });

  it('is refused where a file that is read in one go is larger than the command makes any', () => {
    const many = (count: number) =>
      writeTermShard(
        Array.from({length: count}, (_, i) => [
          String(i).padStart(8, '0'),
          {passages: 1, postings: [{passage: 0, impact: 1}]},
        ]),
      );
    expect(readTermShard(many(10_000), 10).size).to.equal(10_000);
    expect(() => readTermShard(many(30_000), 10)).to.throw(`more than ${MAX_SHARD} bytes`);
    const nested = new TextEncoder().encode('['.repeat(MAX_BLOCK + 1));
    expect(() => readTextBlock(nested)).to.throw(`more than ${MAX_BLOCK} bytes`);
    const entries = (count: number) =>
      Array.from({length: count}, (_, i) => ({first: String(i).padStart(8, '0'), file: `${'0'.repeat(24)}.bin`}));
    expect(readTermDirectory(writeTermDirectory(entries(2048)))).to.have.length(2048);
    expect(() => readTermDirectory(writeTermDirectory(entries(2049)))).to.throw('more than 2048 entries');
  });

  it('leads to no other origin and to no script', async () => {
    for (const url of ['https://evil.test/', '//evil.test/x', 'javascript:alert(1)', 'data:text/html,x']) {
      const name = (bytes: Uint8Array) => fileName(createHash('sha256').update(bytes).digest());
      const files = new Map<string, Uint8Array<ArrayBuffer>>();
      const add = (bytes: Uint8Array<ArrayBuffer>): string => {
        files.set(name(bytes), bytes);
        return name(bytes);
      };
      const {IndexBuilder} = await import('../../../src/knowledge/index-builder.ts');
      const {Words} = await import('../../../src/knowledge/terms.ts');
      const builder = new IndexBuilder(add);
      const passages = [{headings: ['Roses'], anchor: '"><img>', text: 'all about roses', terms: ''}];
      builder.add({url, title: 'x', language: 'en', passages}, await Words.of('en'));
      builder.add({url: 'good.html', title: 'x', language: 'en', passages}, await Words.of('en'));
      const manifest = new TextEncoder().encode(JSON.stringify(builder.finish('../')));
      const fetch = async (address: string) =>
        new Response(address.endsWith('.json') ? manifest : files.get(address.split('/').at(-1)!)!);
      const found = await (await open({fetch, caches: null, sha256})).search('roses');
      expect(found.passages.map((each) => each.url)).to.deep.equal(['https://site.test/good.html#%22%3E%3Cimg%3E']);
    }
  });

  it('is refused for every byte that is cut off or changed, and never takes long', () => {
    const writer = new ByteWriter();
    for (const value of [0x7fffffff, 0x7fffffff]) writer.number(value);
    const invalid = /not usable/;
    expect(() => readPages(writer.finish())).to.throw(invalid);
    expect(() => readTermShard(writer.finish(), 10)).to.throw(invalid);
    const names = readdirSync(path.join(folder.path, 'knowledge')).filter((name) => name.endsWith('.bin'));
    for (const name of names) {
      const bytes = new Uint8Array(gunzipSync(readFileSync(path.join(folder.path, 'knowledge', name))));
      for (let at = 0; at < Math.min(bytes.length, 400); at++) {
        for (const read of [readPages, (each: Uint8Array) => readTermShard(each, 1000), readTextBlock]) {
          const changed =
            at % 2 === 0 ? bytes.slice(0, at) : Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 0xff : byte));
          try {
            read(changed);
          } catch (error) {
            expect(error).to.be.instanceOf(KnowledgeFailure);
          }
        }
      }
    }
  });

  it('has a manifest of which every field is looked at', () => {
    const good = readFileSync(path.join(folder.path, 'knowledge/manifest.json'), 'utf8');
    const manifest = parseManifest(good);
    const file = manifest.pages.file;
    for (const change of [
      {version: 2},
      {site: 1},
      {languages: ['<b>']},
      {pages: {file: '../../secret', count: 1}},
      {pages: {file, count: -1}},
      {passages: 1e12},
      {starters: 'auto'},
      {starters: ['x'.repeat(81)]},
      {starters: Array(5).fill('How?')},
      {
        terms: [
          {first: 'b', file},
          {first: 'a', file},
        ],
      },
      {texts: [{first: '0', file}]},
      {terms: {}},
    ]) {
      expect(() => parseManifest(JSON.stringify({...manifest, ...change})), JSON.stringify(change)).to.throw(
        /not usable/,
      );
    }
    for (const text of ['', '[]', 'null', '{}', good.slice(1)])
      expect(() => parseManifest(text)).to.throw(/not usable/);
  });
});

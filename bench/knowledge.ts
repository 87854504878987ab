// `npm run eval:knowledge [-- --show]`: how well questions find their passages on three real sites, which come as Debian
// packages into .cache/knowledge. Prints the table of docs/knowledge.md; --show adds the questions that found nothing.
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {indexSite} from '../src/indexer/site-index.ts';
import {IndexFiles} from '../src/knowledge/index-files.ts';
import {SiteSearch, SUFFICIENT} from '../src/knowledge/search.ts';

interface Question {
  question: string;
  gold: {page: string; quote: string}[];
  outOfScope?: boolean;
}

const SITES = [
  {name: 'git', package: 'git-doc', folder: 'usr/share/doc/git-doc'},
  {name: 'sqlite', package: 'sqlite3-doc', folder: 'usr/share/doc/sqlite3'},
  {name: 'python', package: 'python3.11-doc', folder: 'usr/share/doc/python3.11/html'},
];
/** Share of the answerable questions that are kept when the limit of refusing is chosen. */
const KEPT = 0.94;
const cache = path.resolve('.cache/knowledge');
const show = process.argv.includes('--show');

/** The site's folder, `at` the path that the package has it under. */
function fetchSite(name: string, at: string): string {
  const root = path.join(cache, name);
  const folder = path.join(root, at);
  if (existsSync(folder)) return folder;
  mkdirSync(root, {recursive: true});
  execFileSync('apt-get', ['download', name], {cwd: cache, stdio: ['ignore', 'ignore', 'inherit']});
  const archive = readdirSync(cache).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'));
  if (!archive) throw new Error(`apt-get download ${name} brought no package`);
  execFileSync('dpkg', ['-x', path.join(cache, archive), root]);
  return folder;
}

const squeeze = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/[\s\u00a0¶]+/g, '')
    .toLowerCase();
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (value: number): string => (100 * value).toFixed(0);
const kilobytes = (value: number): string => (value / 1000).toFixed(1);

/** Where the answerable ones that are kept end. */
function limitOf(confidences: {confidence: number; answerable: boolean}[]): number {
  const kept = confidences.filter((each) => each.answerable).map((each) => each.confidence);
  return kept.sort((a, b) => b - a)[Math.ceil(kept.length * KEPT) - 1];
}

async function evaluate(site: (typeof SITES)[number]) {
  const folder = fetchSite(site.package, site.folder);
  const out = path.join(cache, `${site.name}-index`);
  const cpu = process.cpuUsage();
  const report = await indexSite({folder, out});
  const used = process.cpuUsage(cpu);
  const questions: Question[] = JSON.parse(readFileSync(`bench/knowledge/questions-${site.name}.json`, 'utf8'));
  const base = new URL('http://site.test/');
  const files = () =>
    new IndexFiles(new URL(`${site.name}-index/`, base).href, {
      fetch: async (url) => new Response(readFileSync(path.join(out, path.basename(url)))),
      caches: null,
      sha256: async (bytes) => createHash('sha256').update(bytes).digest(),
    });
  const pageOf = (url: string): string => {
    const from = path.relative(out, folder).split(path.sep).join('/');
    const page = decodeURIComponent(new URL(url).href.split('#')[0]).slice(
      new URL(`${from}/`, `${base.href}${site.name}-index/`).href.length,
    );
    return page === '' || page.endsWith('/') ? `${page}index.html` : page;
  };
  const shared = files();
  const search = await SiteSearch.open(shared);
  const rows = {
    pages: [] as number[],
    passages: [] as number[],
    first: [] as number[],
    later: [] as number[],
    times: [] as number[],
  };
  const confidences: {confidence: number; answerable: boolean}[] = [];
  for (const [i, {question, gold, outOfScope}] of questions.entries()) {
    const alone = files();
    const {passages, confidence} = await (await SiteSearch.open(alone)).search(question);
    rows.first.push(alone.fetchedBytes);
    const before = shared.fetchedBytes;
    await search.search(question);
    if (i > 0) rows.later.push(shared.fetchedBytes - before);
    const start = performance.now();
    await search.search(question);
    rows.times.push(performance.now() - start);
    confidences.push({confidence, answerable: !outOfScope});
    if (outOfScope) continue;
    const ranked = (await search.search(question, {limit: 40, perPage: 40})).passages;
    const pages = [...new Set(ranked.map(({url}) => pageOf(url)))].slice(0, 5);
    const page = gold.some((each) => pages.includes(each.page));
    const passage = gold.some((each) => {
      return passages.some(({url, text}) => pageOf(url) === each.page && squeeze(text).includes(squeeze(each.quote)));
    });
    rows.pages.push(Number(page));
    rows.passages.push(Number(passage));
    if (show && !passage)
      console.log(
        `${page ? 'page only' : 'not found'}: ${question}\n  ${passages.map(({url}) => url.slice(base.href.length)).join('\n  ')}`,
      );
  }
  const pages = report.pages + Object.values(report.skipped).reduce((sum, list) => sum + list.length, 0);
  return {site, report, rows, confidences, rate: pages / ((used.user + used.system) / 1e6)};
}

const refused = (confidences: {confidence: number; answerable: boolean}[], limit: number): number => {
  const others = confidences.filter((each) => !each.answerable);
  return others.filter((each) => each.confidence < limit).length / others.length;
};

const results = [];
for (const site of SITES) results.push(await evaluate(site));
console.log(
  '| site | pages, passages | index | page@5 | passage@5 | refused, 94 % kept | first question | later one | ms | pages/s of one core |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const {site, report, rows, confidences, rate} of results) {
  const cells = [
    site.name,
    `${report.pages}, ${report.passages}`,
    `${(report.bytes / 1e6).toFixed(1)} MB`,
    percent(mean(rows.pages)),
    percent(mean(rows.passages)),
    percent(refused(confidences, limitOf(confidences))),
    `${kilobytes(mean(rows.first))} KB (most ${kilobytes(Math.max(...rows.first))})`,
    `${kilobytes(mean(rows.later))} KB`,
    mean(rows.times).toFixed(1),
    rate.toFixed(0),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
const all = results.flatMap(({confidences}) => confidences);
const kept =
  all.filter((each) => each.answerable && each.confidence >= SUFFICIENT).length /
  all.filter((each) => each.answerable).length;
console.log(
  `average: page@5 ${percent(mean(results.map(({rows}) => mean(rows.pages))))}, passage@5 ${percent(mean(results.map(({rows}) => mean(rows.passages))))}; ` +
    `one limit for all that keeps 94 %: ${limitOf(all).toFixed(2)}, refuses ${percent(refused(all, limitOf(all)))}; ` +
    `as built (${SUFFICIENT}): keeps ${percent(kept)}, refuses ${percent(refused(all, SUFFICIENT))}`,
);

// `npm run eval:knowledge [-- --vectors <folder of a model>] [--site git] [--show] [--write]`: how well questions find their
// passages on three real sites, which come as Debian packages into .cache/knowledge. Prints the tables of docs/knowledge.md:
// words alone, and with --vectors words and vectors too (the first such run embeds all passages, for one to two hours of
// one core). --write puts them into the page; --show adds the questions of the known sets that found nothing. What those that are
// held back find is never shown.
import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
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
const argument = (name: string): string | undefined =>
  process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined;
/** Folder of a model whose vectors are searched too. */
const model = argument('--vectors');
const only = argument('--site');
/** The sets of questions: those that the ranking was chosen by, and those that nothing is ever chosen by. */
const SETS = ['questions', 'held-back'] as const;
type SetName = (typeof SETS)[number];
const TITLES: Readonly<Record<SetName, string>> = {
  questions: 'The questions that the ranking was chosen by',
  'held-back': 'Questions that were held back',
};

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

type Site = (typeof SITES)[number];

async function makeIndex(site: Site, vectors: string | undefined) {
  const folder = fetchSite(site.package, site.folder);
  const out = path.join(cache, `${site.name}-${vectors ? 'vectors' : 'index'}`);
  const cpu = process.cpuUsage();
  const report = await indexSite({folder, out, vectors});
  const used = process.cpuUsage(cpu);
  const pages = report.pages + Object.values(report.skipped).reduce((sum, list) => sum + list.length, 0);
  const core = pages / ((used.user + used.system) / 1e6);
  return {site, folder, out, report, core, clock: pages / (report.milliseconds / 1000)};
}

async function ask({site, folder, out}: Awaited<ReturnType<typeof makeIndex>>, set: SetName) {
  const questions: Question[] = JSON.parse(readFileSync(`bench/knowledge/${set}-${site.name}.json`, 'utf8'));
  const base = new URL('http://site.test/');
  const files = () =>
    new IndexFiles(new URL(`${path.basename(out)}/`, base).href, {
      fetch: async (url) => new Response(readFileSync(path.join(out, path.basename(url)))),
      caches: null,
      sha256: async (bytes) => createHash('sha256').update(bytes).digest(),
    });
  const pageOf = (url: string): string => {
    const from = path.relative(out, folder).split(path.sep).join('/');
    const page = decodeURIComponent(new URL(url).href.split('#')[0]).slice(
      new URL(`${from}/`, `${base.href}${path.basename(out)}/`).href.length,
    );
    return page === '' || page.endsWith('/') ? `${page}index.html` : page;
  };
  const shared = files();
  const search = await SiteSearch.open(shared);
  await search.loadMeaning();
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
    await (await SiteSearch.open(alone)).search(question);
    rows.first.push(alone.fetchedBytes);
    const before = shared.fetchedBytes;
    const {passages, confidence} = await search.search(question);
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
    if (show && set === 'questions' && !passage)
      console.log(
        `${page ? 'page only' : 'not found'}: ${question}\n  ${passages.map(({url}) => url.slice(base.href.length)).join('\n  ')}`,
      );
  }
  return {rows, confidences};
}

const refused = (confidences: {confidence: number; answerable: boolean}[], limit: number): number => {
  const others = confidences.filter((each) => !each.answerable);
  return others.filter((each) => each.confidence < limit).length / others.length;
};

const lines: string[] = [];
const say = (line: string): void => {
  lines.push(line);
  console.log(line);
};
const row = (cells: readonly string[]): void => say(`| ${cells.join(' | ')} |`);

async function evaluate(vectors: string | undefined): Promise<void> {
  const indexes = [];
  for (const site of SITES.filter(({name}) => only === undefined || name === only)) {
    indexes.push(await makeIndex(site, vectors));
  }
  if (!vectors) {
    row(['site', 'pages, passages', 'index', 'pages/s of one core', 'pages/s by the clock']);
    row(['---', '---', '---', '---', '---']);
    for (const {site, report, core, clock} of indexes) {
      row([
        site.name,
        `${report.pages}, ${report.passages}`,
        `${(report.bytes / 1e6).toFixed(1)} MB`,
        String(Math.round(core / 10) * 10),
        String(Math.round(clock / 10) * 10),
      ]);
    }
  }
  for (const set of SETS) await tableOf(set, indexes, vectors ? 'words and vectors' : 'words alone');
}

async function tableOf(set: SetName, indexes: Awaited<ReturnType<typeof makeIndex>>[], how: string): Promise<void> {
  const results = [];
  for (const index of indexes) results.push({name: index.site.name, ...(await ask(index, set))});
  const all = results.flatMap(({confidences}) => confidences);
  const answerable = all.filter((each) => each.answerable);
  const kept = answerable.filter((each) => each.confidence >= SUFFICIENT).length / answerable.length;
  say('');
  say(
    `${TITLES[set]}, ${how}: ${answerable.length} questions and ${all.length - answerable.length} that the site does not ` +
      `answer. As built, ${percent(kept)} % are answered and ${percent(refused(all, SUFFICIENT))} % of the others refused.`,
  );
  say('');
  row(['site', 'page@5', 'passage@5', 'refused, 94 % kept', 'first question', 'later one', 'ms']);
  row(['---', '---', '---', '---', '---', '---', '---']);
  for (const {name, rows, confidences} of results) {
    row([
      name,
      `${percent(mean(rows.pages))} %`,
      `${percent(mean(rows.passages))} %`,
      `${percent(refused(confidences, limitOf(confidences)))} %`,
      `${kilobytes(mean(rows.first))} KB, at most ${kilobytes(Math.max(...rows.first))}`,
      `${kilobytes(mean(rows.later))} KB`,
      mean(rows.times).toFixed(0),
    ]);
  }
  row([
    'average',
    `${percent(mean(results.map(({rows}) => mean(rows.pages))))} %`,
    `${percent(mean(results.map(({rows}) => mean(rows.passages))))} %`,
    `${percent(refused(all, limitOf(all)))} %`,
    '',
    '',
    '',
  ]);
}

await evaluate(undefined);
if (model) await evaluate(model);
if (process.argv.includes('--write')) {
  const file = 'docs/knowledge.md';
  const page = readFileSync(file, 'utf8');
  const [from, to] = [page.indexOf('<!-- eval -->\n') + 14, page.indexOf('<!-- /eval -->')];
  if (from < 14 || to < from) throw new Error(`${file} has no place for the tables, <!-- eval --> to <!-- /eval -->`);
  writeFileSync(file, `${page.slice(0, from)}${lines.join('\n')}\n${page.slice(to)}`);
}

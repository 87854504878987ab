// Builds dist/: one ES module an entry, the lazy chunks of each, their types, and the demo page over them.
import {cp, mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';
import {build} from 'vite';
import {buildDocs} from './lib/demo-docs.mjs';
import {run} from './lib/run.mjs';
import {viteWgsl} from './lib/wgsl.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const dist = path.join(root, 'dist');

/**
 * Entry by built file. The page's files may only be large where this list says so: gzipped KiB. Where `lazy` says so,
 * what is imported with `import()` becomes a chunk; the others are whole. `imports`: other entries, which stay files
 * of their own.
 */
const ENTRIES = {
  'gemma-chat.js': {entry: 'src/index.ts', budget: 52, lazy: true},
  'element.js': {entry: 'src/element/gemma-chat-element.ts', budget: 52, lazy: true},
  'launcher.js': {entry: 'src/launcher.ts', budget: 20, lazy: true, imports: ['src/index.ts']},
  'client.js': {entry: 'src/client/index.ts', budget: 8, lazy: true},
  'embeddings.js': {entry: 'src/client/embeddings.ts', budget: 8, lazy: true},
  'knowledge.js': {entry: 'src/client/knowledge.ts', budget: 12, lazy: true},
  'train.js': {entry: 'src/client/train.ts', budget: 8, lazy: true},
  'language-model.js': {
    entry: 'src/language-model/index.ts',
    budget: 10,
    lazy: true,
    imports: ['src/client/index.ts'],
  },
  'language-tasks.js': {
    entry: 'src/language-tasks/index.ts',
    budget: 8,
    lazy: true,
    imports: ['src/language-model/index.ts'],
  },
  'ai-sdk.js': {entry: 'src/ai-sdk/index.ts', budget: 6, lazy: true},
  'openai.js': {entry: 'src/openai/index.ts', budget: 6, lazy: true},
  'gemma-chat.worker.js': {entry: 'src/worker/gemma-chat.worker.ts', budget: 128, chunks: true},
};

/**
 * Chunks of the worker that share no file with it: what both need is in both, so that the worker stays one file. By name.
 */
const PARTS = {training: 'src/train/index.ts', grammar: 'src/grammar/index.ts'};

/** Where chunks go; they are found relative to the URL of the entry. */
const CHUNKS = 'chunks';
const LICENCES = 'THIRD-PARTY-LICENSES.txt';
/** Stands in every page of the demo. */
const NAVIGATION = 'navigation.html';

/** Each chunk: gzipped KiB; some by name. */
const CHUNK_BUDGET = 150;
const CHUNK_BUDGETS = {grammar: 25, responses: 3.5};

/** A library's build keeps its white space unless it is told otherwise. */
const minify = {compress: true, mangle: true, codegen: {removeWhitespace: true}};

/** Stylesheets without comments and indentation. */
const compactCss = () => ({
  name: 'compact-css',
  enforce: 'pre',
  transform(code, id) {
    if (!id.startsWith(path.join(root, 'src/element/styles/'))) return null;
    const compact = (css) =>
      css
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/\s+/g, ' ')
        .replace(/ ?([{};,]) ?/g, '$1')
        .replace(/: /g, ':')
        .replace(/;}/g, '}');
    return {code: code.replace(/(?:css|= )`[^`]*`/g, compact), map: null};
  },
});

/** Folders of the packages whose code is in what was built. */
const bundled = new Set();
const noteBundled = () => ({
  name: 'note-bundled',
  generateBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap(({modules: of = {}}) => Object.keys(of));
    for (const id of modules) {
      const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replace(/^\0/, ''));
      if (folder) bundled.add(folder[0]);
    }
  },
});

const shared = {
  root,
  configFile: false,
  logLevel: 'warn',
  publicDir: false,
  plugins: [viteWgsl(), compactCss(), noteBundled()],
};

/**
 * A page that is rendered on a server imports the element there. Lit's build for servers runs in browsers too, and
 * asks a DOM shim for the one class that servers lack; an empty one is enough to be imported.
 */
const serverSafe = () => ({
  name: 'server-safe',
  enforce: 'pre',
  config: () => ({resolve: {conditions: ['node', 'module', 'production']}}),
  resolveId: (source) => (source === '@lit-labs/ssr-dom-shim' ? '\0dom-shim' : null),
  load: (id) =>
    id === '\0dom-shim' ? 'export class HTMLElement {}\nexport const customElements = undefined;\n' : null,
});

/** Imports of other entries' sources stay imports, of the built files; `to` is how they are reached. */
const builtEntries = (to, only = Object.values(ENTRIES).map(({entry}) => entry)) => ({
  name: 'built-entries',
  enforce: 'pre',
  resolveId(source, importer) {
    if (!importer || !source.startsWith('.')) return null;
    const file = path.relative(root, path.resolve(path.dirname(importer), source));
    const built = Object.keys(ENTRIES).find((name) => ENTRIES[name].entry === file && only.includes(file));
    return built ? {id: `${to}/${built}`, external: true} : null;
  },
});

/** Imports of parts stay imports, of the built files. */
const builtParts = (files) => ({
  name: 'built-parts',
  enforce: 'pre',
  resolveId(source, importer) {
    if (!importer || !source.startsWith('.')) return null;
    const file = files.get(path.resolve(path.dirname(importer), source));
    return file ? {id: `./${CHUNKS}/${file}`, external: true} : null;
  },
});

/** Built file by source. */
async function buildParts() {
  const files = new Map();
  for (const [name, entry] of Object.entries(PARTS)) {
    const [{output}] = await build({
      ...shared,
      build: {
        outDir: path.join(dist, CHUNKS),
        emptyOutDir: false,
        target: 'es2022',
        sourcemap: true,
        lib: {entry: {[name]: path.join(root, entry)}, formats: ['es']},
        rolldownOptions: {output: {minify, codeSplitting: false, entryFileNames: '[name]-[hash].js'}},
      },
    });
    files.set(path.join(root, entry), output[0].fileName);
  }
  return files;
}

async function buildLibrary() {
  const parts = await buildParts();
  for (const [name, {entry, lazy, chunks, imports}] of Object.entries(ENTRIES)) {
    const output =
      lazy || chunks ? {minify, chunkFileNames: `${CHUNKS}/[name]-[hash].js`} : {minify, codeSplitting: false};
    await build({
      ...shared,
      plugins: [
        ...(imports ? [builtEntries('.', imports)] : []),
        ...(chunks ? [builtParts(parts)] : []),
        ...shared.plugins,
        ...(lazy ? [serverSafe()] : []),
      ],
      build: {
        outDir: dist,
        emptyOutDir: false,
        target: 'es2022',
        sourcemap: true,
        lib: {entry: path.join(root, entry), formats: ['es'], fileName: () => name},
        rolldownOptions: {output},
      },
    });
  }
}

/** What runs in Node: one file, with what it imports. */
async function buildIndexer() {
  await build({
    ...shared,
    plugins: [noteBundled()],
    ssr: {noExternal: true},
    build: {
      ssr: path.join(root, 'src/indexer/index.ts'),
      outDir: dist,
      emptyOutDir: false,
      target: 'node20',
      rolldownOptions: {output: {entryFileNames: 'index-site.js', codeSplitting: false}},
    },
  });
}

/** The links between the demo's pages, as they stand on one of them. */
const navigationOn = (page, html) => html.trim().replace(`href="${page}"`, `href="${page}" aria-current="page"`);

/** Pages, the scripts named like them (what these share is a file of its own), and the rest as it is. */
async function buildDemo() {
  const from = path.join(root, 'demo');
  const to = path.join(dist, 'demo');
  await mkdir(to, {recursive: true});
  const navigation = await readFile(path.join(from, NAVIGATION), 'utf8');
  const names = (await readdir(from)).filter((name) => name !== NAVIGATION);
  const scripts = names.filter((name) => name.endsWith('.ts') && names.includes(name.replace(/ts$/, 'html')));
  await build({
    ...shared,
    plugins: [builtEntries('..'), viteWgsl()],
    build: {
      outDir: to,
      emptyOutDir: false,
      target: 'es2022',
      lib: {
        entry: Object.fromEntries(scripts.map((name) => [path.parse(name).name, path.join(from, name)])),
        formats: ['es'],
        fileName: (_, name) => `${name}.js`,
      },
      rolldownOptions: {output: {chunkFileNames: '[name].js'}},
    },
  });
  for (const name of names.filter((each) => !each.endsWith('.ts'))) {
    if (!name.endsWith('.html')) {
      await cp(path.join(from, name), path.join(to, name), {recursive: true});
      continue;
    }
    const html = await readFile(path.join(from, name), 'utf8');
    const page = html.replace('<!-- navigation -->', () => navigationOn(name, navigation));
    await writeFile(path.join(to, name), page.replace(/(src="[^"]+)\.ts"/g, '$1.js"'));
  }
  const {indexSite} = await import('../dist/index-site.js');
  await buildDocs({from: path.join(root, 'docs'), to, navigation, indexSite});
}

/** Themes are files of their own, beside the scripts. */
async function copyThemes() {
  await cp(path.join(root, 'demo/themes'), path.join(dist, 'themes'), {recursive: true});
}

/** What is bundled is bundled with its licence: in one file beside the code. */
async function writeLicences() {
  const entries = [];
  for (const folder of [...bundled].sort()) {
    const {name, version, license} = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((each) => /^(licen[cs]e|copying)(\.|$)/i.test(each));
    if (!file) throw new Error(`${name} is bundled and has no text of its licence`);
    entries.push(`${name} ${version} (${license})\n\n${(await readFile(path.join(folder, file), 'utf8')).trim()}\n`);
  }
  const head = 'The files of this folder and of chunks/ contain code of these packages.\n';
  await writeFile(path.join(dist, LICENCES), [head, ...entries].join(`\n${'-'.repeat(78)}\n\n`));
}

/** An entry may import chunks when it needs them, and nothing at once: one script tag is one request. */
async function checkChunks() {
  for (const name of Object.keys(ENTRIES)) {
    const code = await readFile(path.join(dist, name), 'utf8');
    if (/^import\b(?!\()/m.test(code)) throw new Error(`dist/${name} imports another file before it runs`);
  }
  for (const name of await readdir(path.join(dist, CHUNKS))) {
    if (!name.endsWith('.js')) continue;
    const code = await readFile(path.join(dist, CHUNKS, name), 'utf8');
    if (/\.\.\//.test(code.match(/from\s*["'][^"']+["']/g)?.join() ?? '')) {
      throw new Error(`dist/${CHUNKS}/${name} imports an entry; a chunk must stand by itself`);
    }
    const kib = gzipSync(code, {level: 9}).length / 1024;
    const budget = CHUNK_BUDGETS[name.replace(/-[^-]*$/, '')] ?? CHUNK_BUDGET;
    if (kib > budget) throw new Error(`dist/${CHUNKS}/${name} is ${kib.toFixed(1)} KiB gzipped (≤ ${budget})`);
  }
}

async function checkSizes() {
  for (const [name, {budget}] of Object.entries(ENTRIES)) {
    const bytes = await readFile(path.join(dist, name));
    const kib = gzipSync(bytes, {level: 9}).length / 1024;
    console.log(`dist/${name}  ${(bytes.length / 1024).toFixed(1)} KiB, ${kib.toFixed(1)} KiB gzipped (≤ ${budget})`);
    if (kib > budget) throw new Error(`dist/${name} is larger than its budget of ${budget} KiB gzipped`);
  }
}

await rm(dist, {recursive: true, force: true});
await buildLibrary();
await buildIndexer();
await buildDemo();
await copyThemes();
await run('tsc', ['-p', 'tsconfig.types.json']);
await run('tsc', ['-p', 'tsconfig.types-node.json']);
await writeLicences();
await checkChunks();
await checkSizes();

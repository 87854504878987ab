// `npm run layers`: imports inside src/ may only go the ways of ARCHITECTURE.md, benches take nothing from test/, and no
// files of src/, bench/ or test/reference/ import each other in a circle.
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {importCircles} from './lib/import-circles.mjs';
import {ROOT} from './lib/run.mjs';

/** What each folder of src/ may import besides itself. `errors` is src/errors.ts; `shaders` is shaders/. */
const ALLOWED = {
  index: ['element', 'client', 'protocol', 'errors'],
  launcher: ['index', 'element'],
  'language-model': ['client', 'errors'],
  'language-tasks': ['language-model'],
  openai: ['client', 'errors', 'protocol'],
  'ai-sdk': ['client', 'errors', 'protocol'],
  element: ['client', 'knowledge', 'protocol', 'errors'],
  client: ['knowledge', 'protocol', 'model-options', 'errors'],
  protocol: ['model-options', 'errors'],
  worker: [
    'adapters',
    'chat',
    'engine',
    'gpu',
    'grammar',
    'knowledge',
    'store',
    'train',
    'gguf',
    'tokenizer',
    'protocol',
    'model-options',
    'errors',
  ],
  adapters: ['gguf', 'errors'],
  train: ['adapters', 'chat', 'engine', 'store', 'gguf', 'tokenizer', 'protocol', 'errors'],
  chat: ['tokenizer', 'engine', 'protocol', 'errors'],
  engine: ['gpu', 'gguf', 'shaders', 'model-options', 'errors'],
  gpu: ['errors'],
  tokenizer: ['gguf', 'errors'],
  store: ['gguf', 'errors'],
  gguf: ['errors'],
  grammar: ['protocol', 'errors'],
  knowledge: [],
  // In Node: what `npx gemma-chat index` runs.
  indexer: ['knowledge', 'errors'],
  'model-options': [],
  errors: [],
};
/** Rooms of the engine that know no device: what each may import, as beginnings of paths below src/. */
const ROOMS = {
  'engine/graph/': ['engine/graph/', 'engine/kernels/', 'engine/kv/pages.ts', 'gpu/kernel.ts', 'errors.ts'],
  'engine/model/': ['engine/model/', 'engine/graph/', 'engine/kernels/weight-types.ts', 'gguf/', 'errors.ts'],
  'engine/kv/': ['engine/kv/', 'engine/engine.ts', 'errors.ts'],
};
const IMPORT =
  /(?:^|[\s;])(?:import|export)\b[^'"`;]*?['"](\.{1,2}\/[^'"]+)['"]|import\(\s*['"](\.{1,2}\/[^'"]+)['"]\s*\)/g;

function layerOf(file) {
  const relative = path.relative(ROOT, file).split(path.sep);
  if (relative[0] === 'shaders') return 'shaders';
  if (relative[0] !== 'src') return null;
  return relative.length === 2 ? relative[1].replace(/\.ts$/, '') : relative[1];
}

const problems = [];
/** Of every file of these folders, the files it imports. */
const imports = new Map();
for (const folder of ['src', 'bench', 'test/reference']) {
  for (const entry of readdirSync(path.join(ROOT, folder), {recursive: true, withFileTypes: true})) {
    if (!entry.isFile() || !/\.(ts|mjs)$/.test(entry.name) || entry.name.endsWith('.d.ts')) continue;
    const file = path.join(entry.parentPath, entry.name);
    const found = [...readFileSync(file, 'utf8').matchAll(IMPORT)];
    imports.set(
      file,
      found.map(([, one, other]) => path.resolve(path.dirname(file), one ?? other)),
    );
  }
}

const relative = (file) => path.relative(ROOT, file);
for (const [file, targets] of imports) {
  if (relative(file).startsWith('bench')) {
    for (const target of targets) {
      if (relative(target).startsWith('test'))
        problems.push(`${relative(file)}: a bench must not import ${relative(target)}`);
    }
  }
  const from = layerOf(file);
  if (from === null) continue;
  const allowed = ALLOWED[from];
  if (!allowed) {
    problems.push(`${relative(file)}: no such layer`);
    continue;
  }
  for (const target of targets) {
    const to = layerOf(target);
    if (to !== from && !allowed.includes(to))
      problems.push(`${relative(file)}: ${from} must not import ${relative(target)}`);
  }
}
for (const [room, allowed] of Object.entries(ROOMS)) {
  const below = (file) => path.relative(path.join(ROOT, 'src'), file).split(path.sep).join('/');
  for (const [file, targets] of imports) {
    if (!below(file).startsWith(room)) continue;
    const wrong = targets.map(below).filter((target) => !allowed.some((prefix) => target.startsWith(prefix)));
    for (const target of wrong) problems.push(`${relative(file)}: ${room} must not import ${target}`);
  }
}
for (const circle of importCircles(imports)) problems.push(`import each other: ${circle.map(relative).join(', ')}`);
for (const problem of problems) console.error(problem);
console.log(`layers: ${imports.size} files, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;

// `npm run layers`: imports inside src/ may only go the ways of ARCHITECTURE.md.
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {ROOT} from './lib/run.mjs';

/** What each folder of src/ may import besides itself. `errors` is src/errors.ts; `shaders` is shaders/. */
const ALLOWED = {
  index: ['element', 'client', 'protocol', 'errors'],
  launcher: ['index', 'element'],
  element: ['client', 'protocol', 'errors'],
  client: ['protocol', 'errors'],
  protocol: ['errors'],
  worker: ['adapters', 'chat', 'engine', 'gpu', 'store', 'gguf', 'tokenizer', 'protocol', 'errors'],
  adapters: ['gguf', 'errors'],
  chat: ['tokenizer', 'engine', 'protocol', 'errors'],
  engine: ['gpu', 'gguf', 'shaders', 'errors'],
  gpu: ['errors'],
  tokenizer: ['gguf', 'errors'],
  store: ['gguf', 'errors'],
  gguf: ['errors'],
  errors: [],
};
const IMPORT =
  /(?:^|[\s;])(?:import|export)\b[^'"`;]*?['"](\.{1,2}\/[^'"]+)['"]|import\(\s*['"](\.{1,2}\/[^'"]+)['"]\s*\)/g;
const src = path.join(ROOT, 'src');

function layerOf(file) {
  const relative = path.relative(ROOT, file).split(path.sep);
  if (relative[0] === 'shaders') return 'shaders';
  if (relative[0] !== 'src') return null;
  return relative.length === 2 ? relative[1].replace(/\.ts$/, '') : relative[1];
}

const problems = [];
let files = 0;
for (const entry of readdirSync(src, {recursive: true, withFileTypes: true})) {
  if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.d.ts')) continue;
  files += 1;
  const file = path.join(entry.parentPath, entry.name);
  const from = layerOf(file);
  const allowed = ALLOWED[from];
  const name = path.relative(ROOT, file);
  if (!allowed) {
    problems.push(`${name}: no such layer`);
    continue;
  }
  for (const [, one, other] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const target = layerOf(path.resolve(path.dirname(file), one ?? other));
    if (target !== from && !allowed.includes(target)) problems.push(`${name}: ${from} must not import ${one ?? other}`);
  }
}
for (const problem of problems) console.error(problem);
console.log(`layers: ${files} files, ${problems.length} wrong imports`);
process.exitCode = problems.length > 0 ? 1 : 0;

// `npm run schemas [-- count [seed [suite]]]`: answers written at random under `count` random schemas (10,000 if not told otherwise),
// judged by ajv. `suite`: the folder `tests/draft2020-12` of the official JSON Schema Test Suite, as PyPI's source package of
// `jsonschema` has it, too; what it calls invalid must not be writable. Ends with 1 where a judge disagrees.
import './lib/node.mjs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {ROOT} from './lib/run.mjs';

const [count = '10000', seed = '1', suite] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.join(ROOT, 'test/helpers', file)).href);
const {judgeSchemas} = await load('judge-schemas.ts');
let failed = false;

const start = performance.now();
const {answers, refused, wrong} = judgeSchemas(Number(seed), Number(count), 3);
console.log(`${count} random schemas, ${answers} answers, ${wrong.length} that ajv calls invalid`);
for (const [why, n] of Object.entries(refused)) console.log(`  refused: ${why} … (${n})`);
for (const each of wrong.slice(0, 20)) console.error(JSON.stringify(each));
console.log(`  ${((performance.now() - start) / 1000).toFixed(0)} s`);
failed ||= wrong.length > 0;

if (suite) {
  const {judgeSuite} = await load('judge-suite.ts');
  const verdict = judgeSuite(path.resolve(suite));
  const sum = (key) => Object.values(verdict.files).reduce((total, file) => total + file[key], 0);
  console.log(`official suite: ${sum('groups')} schemas, ${sum('refused')} refused by name`);
  console.log(`  of the others, ${sum('invalid')} invalid instances, ${verdict.wrong.length} writable`);
  console.log(`  and ${sum('valid')} valid ones, ${sum('writable')} writable as JSON.stringify has them`);
  for (const [keyword, n] of Object.entries(verdict.refused)) console.log(`  refused: ${keyword} (${n})`);
  for (const each of verdict.wrong) console.error(each);
  failed ||= verdict.wrong.length > 0;
}
process.exit(failed ? 1 : 0);

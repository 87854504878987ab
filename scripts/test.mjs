// `npm test`: every check and every test, and one line at the end.
import {existsSync} from 'node:fs';
import {ensureChrome} from './lib/chrome.mjs';
import {globSync} from './lib/glob.mjs';
import {run} from './lib/run.mjs';

/**
 * Name, arguments of node, and how to read the counts of passed and failed from the output. One after the other; those in
 * a list of their own side by side: nothing in them depends on how fast they are.
 */
const MOCHA = [/(\d+) passing/g, /(\d+) failing/g];
const STEPS = [
  ['lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']],
  ['types', ['scripts/types.mjs']],
  ['layers', ['scripts/layers.mjs']],
  ['manifest', ['scripts/manifest-check.mjs']],
  ['framework types', ['scripts/framework-types.mjs']],
  ['docs', ['scripts/docs.mjs']],
  [
    ['GPU tests in Node', ['scripts/test-node.mjs', ...globSync('test/gpu', '.test.ts')], MOCHA],
    ['unit tests in Node', ['scripts/test-node.mjs', ...globSync('test/unit', '.test.ts')], MOCHA],
  ],
  ['build', ['scripts/build.mjs']],
  ['package', ['scripts/package-check.mjs']],
  ['element and GPU tests in a browser', ['scripts/test-browser.mjs'], [/(\d+) passed/g, /(\d+) failed/g]],
  ['end-to-end tests', ['scripts/test-e2e.mjs'], MOCHA],
];

const env = {CHROME_PATH: ensureChrome(), BUILT: '1'};
let passed = 0;
let failed = 0;

/** Returns what tells how it went. */
async function runStep([name, args, counts], quiet) {
  if (!existsSync(args[0])) throw new Error(`${args[0]} is missing`);
  const start = performance.now();
  let output = '';
  let broke = false;
  if (!quiet) console.log(`\n── ${name}`);
  try {
    output = await run(process.execPath, args, {env, quiet});
  } catch (error) {
    output = error.output ?? '';
    broke = true;
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  // A runner's last word counts: some write their tally while they go.
  const count = (pattern) => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
  const ok = counts ? count(counts[0]) : broke ? 0 : 1;
  const wrong = counts ? count(counts[1]) : 0;
  passed += ok;
  failed += broke ? Math.max(wrong, 1) : wrong;
  return () => {
    if (quiet) console.log(`\n── ${name}\n${output}`);
    if (counts && !broke && ok === 0) {
      console.error(`${name}: no test ran`);
      failed += 1;
    }
    console.log(`── ${name}: ${broke ? 'FAILED' : 'ok'}, ${seconds} s`);
  };
}

for (const entry of STEPS) {
  const together = Array.isArray(entry[0]) ? entry : [entry];
  // The first one is seen at work; what the others print comes after it.
  for (const tell of await Promise.all(together.map((step, i) => runStep(step, i > 0)))) tell();
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

// `npm test`: every check and every test. Ends with the counts of passed, failed and skipped tests, and why some were skipped.
import {existsSync} from 'node:fs';
import {ensureChrome} from './lib/chrome.mjs';
import {globSync} from './lib/glob.mjs';
import {run} from './lib/run.mjs';

const MOCHA = [/(\d+) passing/g, /(\d+) failing/g, /(\d+) pending/g];
const WEB_TEST_RUNNER = [/(\d+) passed/g, /(\d+) failed/g, /(\d+) skipped/g];
/** How tests say why they are skipped (test/helpers/gpu.ts). */
const SKIP_REASON = /^\s*(?:🚧 )?skipping: (.+)$/gm;
const GPU = globSync('test/gpu', '.test.ts');
/**
 * Name, arguments of node, and how to read the counts of passed, failed and skipped tests from the output. Steps run one
 * after the other. Lists of steps in a list of their own run side by side: none of them depends on its speed, and they take about
 * equally long on two cores.
 */
const STEPS = [
  ['lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']],
  ['types', ['scripts/types.mjs']],
  ['layers', ['scripts/layers.mjs']],
  ['manifest', ['scripts/manifest-check.mjs']],
  ['framework types', ['scripts/framework-types.mjs']],
  ['docs', ['scripts/docs.mjs']],
  [
    [['GPU tests in Node', ['scripts/test-node.mjs', ...GPU.filter((_, i) => i % 3 > 0)], MOCHA]],
    [
      ['unit tests in Node', ['scripts/test-node.mjs', ...globSync('test/unit', '.test.ts')], MOCHA],
      ['more GPU tests in Node', ['scripts/test-node.mjs', ...GPU.filter((_, i) => i % 3 === 0)], MOCHA],
    ],
  ],
  ['build', ['scripts/build.mjs']],
  ['package', ['scripts/package-check.mjs']],
  ['element and GPU tests in a browser', ['scripts/test-browser.mjs'], WEB_TEST_RUNNER],
  ['end-to-end tests', ['scripts/test-e2e.mjs'], MOCHA],
];

const env = {CHROME_PATH: ensureChrome(), BUILT: '1'};
let passed = 0;
let failed = 0;
let skipped = 0;
const reasons = new Set();

/** Returns a function that prints the result. */
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
  // The last match counts: some runners print their tally as they go.
  const count = (pattern) => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
  const ok = counts ? count(counts[0]) : broke ? 0 : 1;
  const wrong = counts ? count(counts[1]) : 0;
  passed += ok;
  failed += broke ? Math.max(wrong, 1) : wrong;
  skipped += counts ? count(counts[2]) : 0;
  for (const [, reason] of output.matchAll(SKIP_REASON)) reasons.add(reason);
  return () => {
    if (quiet) console.log(`\n── ${name}\n${output}`);
    if (counts && !broke && ok === 0 && count(counts[2]) === 0) {
      console.error(`${name}: no test ran`);
      failed += 1;
    }
    console.log(`── ${name}: ${broke ? 'FAILED' : 'ok'}, ${seconds} s`);
  };
}

/** Steps one after the other; returns what prints their results. */
async function runLane(steps, quiet) {
  const tells = [];
  for (const step of steps) tells.push(await runStep(step, quiet));
  return tells;
}

for (const entry of STEPS) {
  const lanes = Array.isArray(entry[0]) ? entry : [[entry]];
  // The first one prints as it runs; the output of the others follows it.
  const tells = await Promise.all(lanes.map((steps, i) => runLane(steps, i > 0)));
  for (const tell of tells.flat()) tell();
}
if (skipped > 0) console.log(`\nskipped because ${[...reasons].join('; ') || 'the tests say so'}`);
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;

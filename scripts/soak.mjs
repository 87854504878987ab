// `npm run soak [-- --seconds N --seed N --node]`: ten clients in three tabs, fifty generations at a time, with a device that is
// lost, workers that end, tabs that are reloaded and storage that is cleared, for 180 seconds if not told otherwise. In a real
// browser; `--node` has an engine of its own in Node instead, which is a thousand times as fast, and workers that hang. Ends with 1
// where a text is wrong, an error comes that no one asked for, or memory grows.
import './lib/node.mjs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {parseArgs} from 'node:util';
import {ROOT, run} from './lib/run.mjs';

/** Megabytes that garbage may be. */
const GROWTH = {node: 150, browser: 10};

const {values} = parseArgs({
  options: {
    seconds: {type: 'string', default: '180'},
    seed: {type: 'string', default: '1'},
    node: {type: 'boolean', default: false},
  },
});
const load = (file) => import(pathToFileURL(path.join(ROOT, 'test/soak', file)).href);
if (!values.node) await run(process.execPath, ['scripts/build.mjs'], {quiet: true});
const soak = values.node ? (await load('soak.ts')).soak : (await load('browser.ts')).soakInBrowser;
let told = 0;
const {finished, stopped, blows, findings, heap} = await soak(Number(values.seconds), Number(values.seed), (report) => {
  if (performance.now() - told < 14_000) return;
  told = performance.now();
  console.log(`${report.blows.at(-1)}: ${report.findings.length} findings, ${report.heap.late.toFixed(1)} MB`);
});
const grown = heap.late - heap.early;
for (const finding of findings.slice(0, 20)) console.error(finding);
console.log(
  `${finished} finished, ${stopped} stopped, ${blows.length} blows, heap ${heap.early.toFixed(1)} → ${heap.late.toFixed(1)} MB, ${findings.length} findings`,
);
process.exit(findings.length > 0 || grown > GROWTH[values.node ? 'node' : 'browser'] ? 1 : 0);

// `npm run soak [-- seconds [seed]]`: ten clients in three tabs, fifty generations at a time, with a device that is lost, workers
// that crash or hang and storage that is cleared, for 180 seconds if not told otherwise. Ends with 1 where a text is wrong, an
// error comes that no one asked for, or memory grows.
import './lib/node.mjs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {ROOT} from './lib/run.mjs';

/** Megabytes that garbage may be. */
const GROWTH = 150;

const [seconds = 180, seed = 1] = process.argv.slice(2).map(Number);
const {soak} = await import(pathToFileURL(path.join(ROOT, 'test/soak/soak.ts')).href);
let told = 0;
const {finished, stopped, blows, findings, heap} = await soak(seconds, seed, (report) => {
  if (performance.now() - told < 15_000) return;
  told = performance.now();
  console.log(`${report.finished} finished, ${report.stopped} stopped, ${report.heap.late.toFixed(0)} MB`);
});
const grown = heap.late - heap.early;
for (const finding of findings.slice(0, 20)) console.error(finding);
console.log(
  `${finished} finished, ${stopped} stopped, ${blows.length} blows, heap ${heap.early.toFixed(0)} → ${heap.late.toFixed(0)} MB, ${findings.length} findings`,
);
process.exit(findings.length > 0 || grown > GROWTH ? 1 : 0);

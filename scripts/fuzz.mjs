// `npm run fuzz [-- count [first]]`: hostile model headers through everything that reads one, 20,000 of them if not told
// otherwise. Ends with 1 where one throws what is no GemmaError, or takes longer than two seconds.
import './lib/node.mjs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {ROOT} from './lib/run.mjs';

const [count = 20_000, first = 0] = process.argv.slice(2).map(Number);
process.chdir(ROOT);
const {runHeaders} = await import(pathToFileURL(path.join(ROOT, 'test/fuzz/run-headers.ts')).href);
const start = performance.now();
const {ends, slowest, findings} = await runHeaders(first, first + count, 2000);
for (const [end, n] of [...ends].sort((a, b) => b[1] - a[1])) console.log(`${String(n).padStart(7)}  ${end}`);
console.log(`slowest: ${slowest.ms.toFixed(0)} ms, header ${slowest.number} (${slowest.title})`);
for (const {number, title, failure} of findings) console.error(`\nheader ${number} (${title}): ${failure}`);
console.log(`${count} headers in ${((performance.now() - start) / 1000).toFixed(0)} s, ${findings.length} findings`);
process.exit(findings.length > 0 ? 1 : 0);

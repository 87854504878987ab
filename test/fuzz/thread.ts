// Runs hostile headers one after the other in a thread of its own, which the caller can stop.
import {parentPort, workerData} from 'node:worker_threads';
import {hostileHeader} from './hostile-headers.ts';
import type {Outcome} from './run-headers.ts';
import {wholeWay} from './whole-way.ts';

const {from, to} = workerData as {from: number; to: number};
for (let number = from; number < to; number++) {
  const header = hostileHeader(number);
  parentPort!.postMessage({number, title: header.title} satisfies Outcome);
  const start = performance.now();
  const result = await wholeWay(header).then(
    (end) => ({end}),
    (error) => ({failure: error instanceof Error ? String(error.stack).slice(0, 2000) : String(error)}),
  );
  parentPort!.postMessage({number, title: header.title, ms: performance.now() - start, ...result} satisfies Outcome);
}

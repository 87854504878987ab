// Hostile headers through the whole way, in a thread that is stopped where one header takes too long: a loop without end
// is a finding with a number, not a test that hangs.
import {Worker} from 'node:worker_threads';

/** What a thread says of a header: first that it begins (no `ms`), then how it ended. */
export interface Outcome {
  number: number;
  title: string;
  ms?: number;
  /** As `wholeWay` says it. */
  end?: string;
  /** What was thrown and is no GemmaError with a text of readable length. */
  failure?: string;
}

export interface Report {
  /** How many headers came to which end. */
  ends: Map<string, number>;
  slowest: Outcome;
  /** The outcomes that must not be: other errors, headers that took too long. */
  findings: Outcome[];
}

/** @param limitMs for one header, on a busy machine too */
export async function runHeaders(from: number, to: number, limitMs: number): Promise<Report> {
  const report: Report = {ends: new Map(), slowest: {number: -1, title: 'none', ms: 0}, findings: []};
  for (let next = from; next < to; ) next = await runThread(next, to, limitMs, report);
  return report;
}

/** Returns where to go on: `to`, or behind a header that had to be stopped. */
function runThread(from: number, to: number, limitMs: number, report: Report): Promise<number> {
  const thread = new Worker(new URL('./thread.ts', import.meta.url), {
    workerData: {from, to},
    execArgv: ['--import', './scripts/lib/node.mjs'],
  });
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    thread.on('message', (outcome: Outcome) => {
      clearTimeout(timer);
      if (outcome.ms === undefined) {
        timer = setTimeout(() => {
          report.findings.push({...outcome, failure: `still at it after ${limitMs} ms`});
          void thread.terminate();
          resolve(outcome.number + 1);
        }, limitMs);
        return;
      }
      if (outcome.failure) report.findings.push(outcome);
      const end = outcome.end ?? 'failure';
      report.ends.set(end, (report.ends.get(end) ?? 0) + 1);
      if (outcome.ms > report.slowest.ms!) report.slowest = outcome;
      if (outcome.number + 1 === to) resolve(to);
    });
    thread.on('error', reject);
  });
}

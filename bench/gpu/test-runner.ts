// mocha's `describe`, `it`, `before` and `after` for files that are bundled with it: runs them in order in one process
// without a package, and writes what passed, failed and was skipped. Knows no test.
import {writeFileSync} from 'node:fs';

type Body = (this: Context) => unknown;

interface Context {
  skip(): never;
  /** Accepted; what bounds a run here is its limit as a whole. */
  timeout(ms: number): Context;
  slow(ms: number): Context;
}

interface Suite {
  title: string;
  before: Body[];
  after: Body[];
  beforeEach: Body[];
  afterEach: Body[];
  children: (Suite | {title: string; test: Body})[];
}

export interface TestReport {
  passed: number;
  failed: {title: string; error: string}[];
  skipped: string[];
  /** Left out when the time was up. */
  notRun: number;
  seconds: number;
}

const SKIPPED = Symbol('skipped');

const context: Context = {
  skip() {
    throw SKIPPED;
  },
  timeout: () => context,
  slow: () => context,
};

const newSuite = (title: string): Suite => ({
  title,
  before: [],
  after: [],
  beforeEach: [],
  afterEach: [],
  children: [],
});
const root = newSuite('');
let current = root;

Object.assign(globalThis, {
  describe(title: string, body: Body) {
    const outer = current;
    current = newSuite(title);
    outer.children.push(current);
    body.call(context);
    current = outer;
  },
  it: (title: string, test: Body) => void current.children.push({title, test}),
  before: (body: Body) => void current.before.push(body),
  after: (body: Body) => void current.after.push(body),
  beforeEach: (body: Body) => void current.beforeEach.push(body),
  afterEach: (body: Body) => void current.afterEach.push(body),
});

const report: TestReport = {passed: 0, failed: [], skipped: [], notRun: 0, seconds: 0};

/**
 * `node tests.mjs <report.json> [seconds] [--dry]`: runs all that was described; exit code 1 unless everything passed.
 * Dry: what the time did not allow is no failure.
 */
export async function runTests([file, seconds = '600', dry]: readonly string[]): Promise<never> {
  const start = performance.now();
  const save = () => {
    report.seconds = (performance.now() - start) / 1000;
    writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
  };
  await runSuite(root, [], start + 1000 * Number(seconds), save);
  save();
  const {passed, failed, skipped, notRun} = report;
  console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped, ${notRun} not run`);
  // Dawn keeps the process alive.
  process.exit(failed.length + (dry ? 0 : notRun) > 0 || passed === 0 ? 1 : 0);
}

async function runSuite(suite: Suite, outer: readonly Suite[], until: number, save: () => void): Promise<void> {
  const path = [...outer, suite];
  const titled = (title: string) => [...path.map((each) => each.title).filter(Boolean), title].join(' › ');
  const hooks = await attempt(async () => {
    for (const hook of suite.before) await hook.call(context);
  });
  if (hooks !== null) report.failed.push({title: titled('before'), error: hooks});
  for (const child of suite.children) {
    if (!('test' in child)) {
      await runSuite(child, path, until, save);
      continue;
    }
    if (performance.now() > until) {
      report.notRun++;
      continue;
    }
    const title = titled(child.title);
    const error = await attempt(async () => {
      for (const each of path) for (const hook of each.beforeEach) await hook.call(context);
      await child.test.call(context);
      for (const each of path) for (const hook of each.afterEach) await hook.call(context);
    });
    if (error === null) report.passed++;
    else if (error === '') report.skipped.push(title);
    else report.failed.push({title, error});
    console.log(
      `${error === null ? 'ok  ' : error === '' ? 'skip' : 'FAIL'} ${title}${error ? `\n     ${error}` : ''}`,
    );
    save();
  }
  for (const hook of suite.after) await attempt(async () => hook.call(context));
}

/** Null when it passed, '' when it was skipped, else why it failed. */
async function attempt(act: () => Promise<unknown>): Promise<string | null> {
  try {
    await act();
    return null;
  } catch (error) {
    if (error === SKIPPED) return '';
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

// Runs mocha in Node with TypeScript and WGSL imports.
import {run} from './run.mjs';

/** @param {string[]} files test files; `timeout` in milliseconds, a test's longest time */
export const mocha = (files, {timeout, env = {}}) =>
  run(
    process.execPath,
    ['--import', './scripts/lib/node.mjs', 'scripts/lib/run-mocha.mjs', String(timeout), ...files],
    {
      env,
    },
  );

// Runs mocha in Node with TypeScript and WGSL imports.
import {run} from './run.mjs';

/** @param {string[]} files test files; `timeout` in milliseconds, a test's longest time */
export const mocha = (files, {timeout, env = {}}) =>
  run(
    process.execPath,
    [
      // Else mocha loads a test with require(), which passes our import hooks by.
      '--no-experimental-require-module',
      '--import',
      './scripts/lib/node.mjs',
      'node_modules/mocha/bin/mocha.js',
      '--timeout',
      String(timeout),
      '--exit',
      ...files,
    ],
    {env},
  );

// Tests that run in a browser: test/element/, test/browser/ and the half of test/gpu/ that wants a second adapter.
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {esbuildPlugin} from '@web/dev-server-esbuild';
import {chromeLauncher} from '@web/test-runner';
import {CHROME_ARGS, ensureChrome} from './scripts/lib/chrome.mjs';
import {wtrWgsl} from './scripts/lib/wgsl.mjs';

const rootDir = path.dirname(fileURLToPath(import.meta.url));

/** highlight.js keeps its core as CommonJS, which a browser does not read; the build does. */
const commonJsCore = () => ({
  name: 'common-js-core',
  transform({path: url, body}) {
    if (!url.endsWith('/node_modules/highlight.js/lib/core.js')) return undefined;
    return `const module = {exports: {}};\n${body}\nexport default module.exports;`;
  },
});

export default {
  rootDir,
  files: [
    'test/browser/**/*.test.ts',
    'test/element/**/*.test.ts',
    'test/gpu/**/*.test.ts',
    // Refusals, placement, what is read of a file, what a step creates and what the engine does with many steps do not depend
    // on the device: they run in Node, as do low-rank terms, training, encoders and passes of faster kernels, whose many pipelines
    // take a browser without a GPU a minute each. What is left are the kernels, one by one, and plain passes of some models.
    '!test/gpu/{adapters,binding-limit,damaged,encoder,engine,engine-load,engine-sampling,engine-step,graph-order,lora}.test.ts',
    '!test/gpu/{placement,refusals,sharing,towers,training,variants}.test.ts',
    '!test/gpu/worker/**',
  ],
  nodeResolve: {exportConditions: ['browser']},
  concurrency: 1,
  concurrentBrowsers: 1,
  testsFinishTimeout: 600_000,
  browserStartTimeout: 120_000,
  browsers: [
    chromeLauncher({
      // `gc()` for what has to outlive a collection.
      launchOptions: {executablePath: ensureChrome(), args: [...CHROME_ARGS, '--js-flags=--expose-gc'], headless: true},
      concurrency: 1,
    }),
  ],
  testFramework: {config: {timeout: '120000'}},
  plugins: [
    wtrWgsl(rootDir),
    commonJsCore(),
    esbuildPlugin({ts: true, target: 'es2022', tsconfig: path.join(rootDir, 'tsconfig.page.json')}),
  ],
};

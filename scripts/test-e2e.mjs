// `npm run test:e2e [-- files]`: the built files in a real browser, driven from outside. Builds first unless BUILT=1.
import {ensureChrome} from './lib/chrome.mjs';
import {globSync} from './lib/glob.mjs';
import {run} from './lib/run.mjs';

const CHROME_PATH = ensureChrome();
if (process.env.BUILT !== '1') await run(process.execPath, ['scripts/build.mjs']);
const files = process.argv.slice(2);
await run(
  process.execPath,
  [
    '--import',
    './scripts/lib/node.mjs',
    'node_modules/mocha/bin/mocha.js',
    '--timeout',
    '180000',
    '--exit',
    ...(files.length > 0 ? files : globSync('test/e2e', '.test.ts')),
  ],
  {env: {CHROME_PATH}},
);

// `npm run test:node [-- files]`: unit tests, and kernels and engine over Dawn for Node where there is an adapter.
import {globSync} from './lib/glob.mjs';
import {run} from './lib/run.mjs';

const files = process.argv.slice(2);
const tests = files.length > 0 ? files : [...globSync('test/unit', '.test.ts'), ...globSync('test/gpu', '.test.ts')];
await run(process.execPath, [
  '--import',
  './scripts/lib/node.mjs',
  'node_modules/mocha/bin/mocha.js',
  '--timeout',
  '120000',
  '--exit',
  ...tests,
]);

// `npm run test:node [-- files]`: unit tests, and kernels and engine over Dawn for Node where there is an adapter.
import {globSync} from './lib/glob.mjs';
import {mocha} from './lib/mocha.mjs';
import {main} from './lib/run.mjs';

const files = process.argv.slice(2);
const all = () => [...globSync('test/unit', '.test.ts'), ...globSync('test/gpu', '.test.ts')];
await main(() => mocha(files.length > 0 ? files : all(), {timeout: 120_000}));

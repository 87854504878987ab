// `npm run test:browser [-- files]`: element tests and kernels in a real browser.
import {run} from './lib/run.mjs';

await run(
  'web-test-runner',
  process.argv.slice(2).flatMap((file) => ['--files', file]),
);

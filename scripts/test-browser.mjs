// `npm run test:browser [-- files]`: element tests and kernels in a real browser.
import {main, run} from './lib/run.mjs';

await main(() =>
  run(
    'web-test-runner',
    process.argv.slice(2).flatMap((file) => ['--files', file]),
  ),
);

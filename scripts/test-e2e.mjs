// `npm run test:e2e [-- files]`: the built files in a real browser, driven from outside. Builds first unless BUILT=1.
import {ensureChrome} from './lib/chrome.mjs';
import {globSync} from './lib/glob.mjs';
import {mocha} from './lib/mocha.mjs';
import {main, run} from './lib/run.mjs';

await main(async () => {
  const CHROME_PATH = ensureChrome();
  if (process.env.BUILT !== '1') await run(process.execPath, ['scripts/build.mjs']);
  const files = process.argv.slice(2);
  await mocha(files.length > 0 ? files : globSync('test/e2e', '.test.ts'), {timeout: 180_000, env: {CHROME_PATH}});
});

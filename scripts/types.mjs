// `npm run types`: the type check of every realm.
import {main, run} from './lib/run.mjs';

await main(async () => {
  for (const realm of ['page', 'worker', 'node']) await run('tsc', ['-p', `tsconfig.${realm}.json`]);
});

// `npm run types`: the type check of every realm.
import {run} from './lib/run.mjs';

for (const realm of ['page', 'worker', 'node']) await run('tsc', ['-p', `tsconfig.${realm}.json`]);

// bench/kernels.ts for a machine without packages: `node kernels.mjs [part of a name] …`. Bundled by pack.mjs.
import {run} from '../kernels.ts';

await run(process.argv.slice(2));

// `node --import ./scripts/lib/node.mjs file.ts`: TypeScript and WGSL imports in Node.
import {register} from 'node:module';
import {register as tsx} from 'tsx/esm/api';

tsx();
register('./wgsl-hooks.mjs', import.meta.url);

// `npm run bench -- <name> [options]`: one benchmark of bench/. Without a name: the list.
import {globSync} from './lib/glob.mjs';
import {ROOT} from './lib/run.mjs';
import './lib/node.mjs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const [name, ...args] = process.argv.slice(2);
const names = globSync('bench', '.ts')
  .map((file) => path.relative('bench', file).replace(/\.ts$/, ''))
  .filter((file) => !file.includes(path.sep));
if (!names.includes(name)) {
  console.log(`npm run bench -- <name> [options]\n\n${names.map((each) => `  ${each}`).join('\n')}`);
  process.exit(name ? 1 : 0);
}
const {run} = await import(pathToFileURL(path.join(ROOT, 'bench', `${name}.ts`)).href);
await run(args);

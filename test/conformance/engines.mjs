// Where the engine under test runs: in this process over Dawn, or in a page of Chromium. Both take a model's bytes and
// runs (engine-run.ts) and give logits, one model at a time. What is compiled stays for the next: they share most of it.
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'vite';
import {launch} from '../../scripts/lib/browser.mjs';
import {waitIdly} from '../../scripts/lib/gpu.ts';
import {ROOT} from '../../scripts/lib/run.mjs';
import {serve} from '../../scripts/lib/serve.mjs';
import {viteWgsl} from '../../scripts/lib/wgsl.mjs';
import {PipelineCache} from '../../src/gpu/pipelines.ts';
import {findAdapter} from '../helpers/gpu.ts';
import {runEngine} from './engine-run.ts';
import {oneAtATime} from './turns.mjs';

/** Node over Dawn; on lavapipe where it is installed. */
export async function openDawn() {
  process.env.REQUIRE_LAVAPIPE = '1'; // no adapter is an error here, not a reason to skip
  const adapter = await findAdapter();
  waitIdly();
  const device = await adapter.requestDevice();
  const pipelines = new PipelineCache(device);
  const turn = oneAtATime();
  return {
    name: 'lavapipe',
    device,
    description: `${adapter.info.description}, in Node over Dawn (npm \`webgpu\`)`,
    logits: (bytes, runs) => turn(() => runEngine(device, pipelines, bytes, runs)),
    close: async () => {},
  };
}

/** A page of Chromium on SwiftShader: no f16, subgroups of 4. */
export async function openSwiftShader() {
  const script = await bundle(fileURLToPath(new URL('engine-page.ts', import.meta.url)));
  let model = new Uint8Array();
  const server = await serve({
    root: ROOT,
    handle: ({url}, response) => {
      const answers = {
        '/': ['text/html', '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>'],
        '/page.js': ['text/javascript', script],
        '/model.gguf': ['application/octet-stream', model],
      };
      const found = answers[url];
      if (found) response.writeHead(200, {'content-type': found[0]}).end(found[1]);
      return found !== undefined;
    },
  });
  const browser = await launch();
  const page = await browser.newPage();
  const turn = oneAtATime();
  await page.goto(server.url);
  await page.waitForFunction('window.logits');
  return {
    name: 'SwiftShader',
    description: `${await page.evaluate('adapter()')} (SwiftShader), in Chromium ${browser.version()}`,
    logits: (bytes, runs) =>
      turn(async () => {
        model = bytes;
        const results = await page.evaluate(([url, wanted]) => window.logits(url, wanted), ['/model.gguf', runs]);
        return results.map((text, i) => rowsOf(text, runs[i].tokens.length));
      }),
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

function rowsOf(text, count) {
  const bytes = Buffer.from(text, 'base64');
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const width = values.length / count;
  return Array.from({length: count}, (_, i) => values.subarray(i * width, (i + 1) * width));
}

/** The text of one module for a page. */
async function bundle(entry) {
  const folder = mkdtempSync(path.join(tmpdir(), 'gemma-chat-page-'));
  try {
    await build({
      root: ROOT,
      configFile: false,
      logLevel: 'warn',
      publicDir: false,
      plugins: [viteWgsl()],
      build: {
        outDir: folder,
        emptyOutDir: true,
        target: 'es2022',
        // package.json calls the sources free of side effects; putting functions on the window is one.
        rolldownOptions: {treeshake: false},
        lib: {entry, formats: ['es'], fileName: () => 'page.js'},
      },
    });
    return readFileSync(path.join(folder, 'page.js'), 'utf8');
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

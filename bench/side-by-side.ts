// `npm run bench -- side-by-side [file.gguf] [--adapter swiftshader|lavapipe] [--rounds 3] [--tokens 48]`: gemma-chat beside
// wllama (llama.cpp in a browser) on the same file, prompt and Chromium, in turns. On SwiftShader wllama computes in
// WASM, since its WebGPU backend needs f16; on lavapipe it uses WebGPU as we do. Ratios of software adapters say which
// engine wastes more, nothing about a GPU. Needs test/conformance/node_modules (`npm run conformance -- --install`).
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import type {Page} from 'playwright-core';
import {lavapipeChrome} from '../scripts/lavapipe-chrome/index.mjs';
import {openSite} from '../scripts/lib/browser.mjs';
import {type Answer, ISOLATED, serveModel, writeEngineSite} from './lib/engine-pages.ts';

const WLLAMA = path.resolve('test/conformance/node_modules/@wllama/wllama/esm');
const QUESTION = 'How do I put you on my page?';
const PROMPT = `<|turn>user\n${QUESTION}<turn|>\n<|turn>model\n`;

const quartiles = (values: number[]): [number, number, number] => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.25), at(0.5), at(0.75)];
};
const show = (values: number[]): string => {
  const [low, middle, high] = quartiles(values);
  return `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
};

async function open(page: Page, url: string): Promise<void> {
  page.on('pageerror', (error) => console.error(String(error)));
  await page.goto(url);
  await page.waitForFunction('window.ready');
}

export async function run(args: string[]): Promise<void> {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {
      adapter: {type: 'string', default: 'swiftshader'},
      rounds: {type: 'string', default: '3'},
      tokens: {type: 'string', default: '48'},
      threads: {type: 'string', default: '2'},
    },
  });
  if (!existsSync(WLLAMA)) throw new Error('wllama is not installed: npm run conformance -- --install');
  const file = path.resolve(positionals[0] ?? 'demo/models/gemma-chat-demo.gguf');
  const lavapipe = values.adapter === 'lavapipe';
  const extra = lavapipe ? lavapipeChrome() : {};
  if (!extra) throw new Error('lavapipe in Chromium needs gcc, libvulkan-dev and mesa-vulkan-drivers');
  const root = mkdtempSync(path.join(tmpdir(), 'gemma-chat-side-by-side-'));
  writeEngineSite(root, {dist: 'dist', wllama: WLLAMA});
  serveModel(root, file);
  const site = await openSite({...extra, server: {root, headers: ISOLATED}});
  try {
    const ours = await site.browser.newPage();
    const theirs = await site.browser.newPage();
    await open(ours, `${site.url}ours.html`);
    await open(theirs, `${site.url}theirs.html`);
    const loadMs = {
      ours: (await ours.evaluate('load()')) as number,
      theirs: (await theirs.evaluate(`load({gpu: ${lavapipe}, threads: ${Number(values.threads)}})`)) as number,
    };
    const offloaded = await theirs.evaluate('offloaded()');
    if (lavapipe && !offloaded) throw new Error('wllama put no layer on the GPU: its figures would be its CPU backend');
    const rounds: {ours: Answer; theirs: Answer}[] = [];
    for (let round = -1; round < Number(values.rounds); round++) {
      const salt = ' '.repeat(round + 2); // another prompt each round, so that no cache helps
      const call = `ask(${JSON.stringify(salt + PROMPT)}, ${Number(values.tokens)})`;
      const one = {ours: (await ours.evaluate(call)) as Answer, theirs: (await theirs.evaluate(call)) as Answer};
      if (round >= 0) rounds.push(one);
    }
    const column = (who: 'ours' | 'theirs', what: 'prefill' | 'decode') => rounds.map((round) => round[who][what]);
    const ratio = (what: 'prefill' | 'decode') => rounds.map((round) => round.ours[what] / round.theirs[what]);
    console.log(
      `${path.basename(file)}, ${site.browser.version()}, adapter ${values.adapter}, ${rounds.length} rounds after a warm-up; median (quartiles)`,
    );
    console.log(`wllama: ${lavapipe ? `WebGPU, ${offloaded}` : `WASM on the CPU, ${values.threads} threads`}`);
    console.table({
      'load ms': {
        'gemma-chat': loadMs.ours.toFixed(0),
        wllama: loadMs.theirs.toFixed(0),
        ratio: (loadMs.theirs / loadMs.ours).toFixed(2),
      },
      'prefill tokens/s': {
        'gemma-chat': show(column('ours', 'prefill')),
        wllama: show(column('theirs', 'prefill')),
        ratio: show(ratio('prefill')),
      },
      'decode tokens/s': {
        'gemma-chat': show(column('ours', 'decode')),
        wllama: show(column('theirs', 'decode')),
        ratio: show(ratio('decode')),
      },
    });
    const [{ours: a, theirs: b}] = rounds;
    console.log(
      `prompt ${a.prompt} and ${b.prompt} tokens, generated ${a.generated} and ${b.generated}; same text: ${a.text.trim() === b.text.trim()}`,
    );
    if (a.text.trim() !== b.text.trim()) console.log(JSON.stringify([a.text, b.text]));
  } finally {
    await site.close();
    rmSync(root, {recursive: true});
  }
}

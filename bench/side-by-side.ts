// `npm run bench -- side-by-side [file.gguf] [--adapter swiftshader|lavapipe] [--rounds 3] [--tokens 48]`: gemma-chat beside
// wllama (llama.cpp in a browser) on the same file, prompt and Chromium, in turns. On SwiftShader wllama computes in
// WASM, since its WebGPU backend needs f16; on lavapipe it uses WebGPU as we do. Ratios of software adapters say which
// engine wastes more, nothing about a GPU. Needs test/conformance/node_modules (`npm run conformance -- --install`).
import {createReadStream, existsSync, statSync} from 'node:fs';
import type {IncomingMessage, ServerResponse} from 'node:http';
import path from 'node:path';
import {parseArgs} from 'node:util';
import type {Page} from 'playwright-core';
import {lavapipeChrome} from '../scripts/lavapipe-chrome/index.mjs';
import {openSite} from '../scripts/lib/browser.mjs';

const WLLAMA = path.resolve('test/conformance/node_modules/@wllama/wllama/esm');
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
};
const QUESTION = 'How do I put you on my page?';
const PROMPT = `<|turn>user\n${QUESTION}<turn|>\n<|turn>model\n`;

interface Figures {
  loadMs: number;
  prompt: number;
  generated: number;
  /** Tokens a second. */
  prefill: number;
  decode: number;
  text: string;
}

const OURS = `<!doctype html><meta charset="utf-8"><script type="module">
import {GemmaClient} from '/client.js';
let client;
window.load = async () => {
  const start = performance.now();
  client = await GemmaClient.load({modelSrc: '/model.gguf', contextLength: 512});
  return performance.now() - start;
};
window.ask = async (prompt, max_tokens, salt) => {
  const start = performance.now();
  let first, last, text = '', usage, count = 0;
  const stream = await client.completions.create({prompt: salt + prompt, max_tokens, temperature: 0, stream: true});
  for await (const chunk of stream) {
    const piece = chunk.choices[0]?.text ?? '';
    if (piece) { last = performance.now(); first ??= last; text += piece; count++; }
    usage = chunk.usage ?? usage;
  }
  const prompted = usage.prompt_tokens - (usage.prompt_tokens_details?.cached_tokens ?? 0);
  return {prompt: prompted, generated: usage.completion_tokens, prefill: 1000 * prompted / (first - start),
    decode: 1000 * (usage.completion_tokens - 1) / (performance.now() - first), text};
};
window.ready = true;
</script>`;

const THEIRS = `<!doctype html><meta charset="utf-8"><script type="module">
import {Wllama} from '/wllama/index.js';
const logs = [];
const keep = (...parts) => logs.push(parts.join(' '));
const engine = new Wllama({default: '/wllama/wasm/wllama.wasm'}, {logger: {debug: keep, log: keep, warn: keep, error: keep}});
engine.setCompat(null);
window.load = async (gpu, threads) => {
  const start = performance.now();
  const blob = await (await fetch('/model.gguf')).blob();
  await engine.loadModel([blob], {n_gpu_layers: gpu ? 99999 : 0, n_threads: threads, n_ctx: 512, n_parallel: 1,
    flash_attn: false, warmup: false, swa_full: true, log_level: 2});
  return performance.now() - start;
};
window.offloaded = () => logs.find((line) => /offloaded \\d+\\/\\d+ layers/.test(line)) ?? null;
window.ask = async (prompt, max_tokens, salt) => {
  const {choices, timings, usage} = await engine.createCompletion({prompt: salt + prompt, max_tokens, temperature: 0,
    top_k: 1, cache_prompt: false, timings_per_token: true});
  return {prompt: timings.prompt_n, generated: timings.predicted_n, prefill: timings.prompt_per_second,
    decode: timings.predicted_per_second, text: choices[0].text};
};
window.ready = true;
</script>`;

const quartiles = (values: number[]): [number, number, number] => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.25), at(0.5), at(0.75)];
};
const show = (values: number[]): string => {
  const [low, middle, high] = quartiles(values);
  return `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
};

function answer(file: string) {
  const send = (response: ServerResponse, type: string, body: string) => {
    response.writeHead(200, {'content-type': type, ...ISOLATED}).end(body);
    return true;
  };
  return ({url = ''}: IncomingMessage, response: ServerResponse): boolean => {
    if (url === '/ours') return send(response, 'text/html', OURS);
    if (url === '/theirs') return send(response, 'text/html', THEIRS);
    const {pathname} = new URL(url, 'http://localhost');
    const wanted =
      pathname === '/model.gguf' ? file : pathname.startsWith('/wllama/') ? path.join(WLLAMA, pathname.slice(8)) : null;
    if (!wanted || !existsSync(wanted) || !statSync(wanted).isFile()) return false;
    const type = wanted.endsWith('.js')
      ? 'text/javascript'
      : wanted.endsWith('.wasm')
        ? 'application/wasm'
        : 'application/octet-stream';
    response.writeHead(200, {'content-type': type, 'content-length': statSync(wanted).size, ...ISOLATED});
    createReadStream(wanted).pipe(response);
    return true;
  };
}

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
  const site = await openSite({...extra, server: {handle: answer(file)}});
  try {
    const ours = await site.browser.newPage();
    const theirs = await site.browser.newPage();
    await open(ours, `${site.url}ours`);
    await open(theirs, `${site.url}theirs`);
    const loadMs = {
      ours: (await ours.evaluate('load()')) as number,
      theirs: (await theirs.evaluate(`load(${lavapipe}, ${Number(values.threads)})`)) as number,
    };
    const offloaded = await theirs.evaluate('offloaded()');
    if (lavapipe && !offloaded) throw new Error('wllama put no layer on the GPU: its figures would be its CPU backend');
    const rounds: {ours: Figures; theirs: Figures}[] = [];
    for (let round = -1; round < Number(values.rounds); round++) {
      const salt = ' '.repeat(round + 2); // another prompt each round, so that no cache helps
      const call = `ask(${JSON.stringify(PROMPT)}, ${Number(values.tokens)}, ${JSON.stringify(salt)})`;
      const one = {ours: (await ours.evaluate(call)) as Figures, theirs: (await theirs.evaluate(call)) as Figures};
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
  }
}

// The pages on which gemma-chat and wllama (llama.cpp in a browser) answer the same prompts, as a folder to be served.
// Each page offers `load(options)` and `ask(prompt, maxTokens)` on its window. Knows no browser.
import {mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import path from 'node:path';

/** What `ask` returns. */
export interface Answer {
  /** Prompt tokens computed, and tokens generated. */
  prompt: number;
  generated: number;
  /** Tokens a second. */
  prefill: number;
  decode: number;
  text: string;
}

/** `load({contextLength})` returns milliseconds. */
const OURS = `<!doctype html><meta charset="utf-8"><script type="module">
import {GemmaClient} from '/client.js';
let client;
window.load = async ({contextLength = 512} = {}) => {
  const start = performance.now();
  client = await GemmaClient.load({modelSrc: '/model.gguf', contextLength});
  return performance.now() - start;
};
window.stats = () => client.stats();
window.ask = async (prompt, max_tokens) => {
  const start = performance.now();
  let first, text = '', usage;
  const stream = await client.completions.create({prompt, max_tokens, temperature: 0, stream: true});
  for await (const chunk of stream) {
    const piece = chunk.choices[0]?.text ?? '';
    if (piece) { first ??= performance.now(); text += piece; }
    usage = chunk.usage ?? usage;
  }
  first ??= performance.now();
  const prompted = usage.prompt_tokens - (usage.prompt_tokens_details?.cached_tokens ?? 0);
  return {prompt: prompted, generated: usage.completion_tokens, prefill: 1000 * prompted / (first - start),
    decode: 1000 * (usage.completion_tokens - 1) / (performance.now() - first), text};
};
window.ready = true;
</script>`;

/** `load({gpu, threads, contextLength})` returns milliseconds; `offloaded()` the line of its log about layers on the GPU. */
const THEIRS = `<!doctype html><meta charset="utf-8"><script type="module">
import {Wllama} from '/wllama/index.js';
const logs = [];
const keep = (...parts) => logs.push(parts.join(' '));
const engine = new Wllama({default: '/wllama/wasm/wllama.wasm'}, {logger: {debug: keep, log: keep, warn: keep, error: keep}});
engine.setCompat(null);
window.load = async ({gpu = true, threads = 2, contextLength = 512} = {}) => {
  const start = performance.now();
  const blob = await (await fetch('/model.gguf')).blob();
  await engine.loadModel([blob], {n_gpu_layers: gpu ? 99999 : 0, n_threads: threads, n_ctx: contextLength, n_parallel: 1,
    flash_attn: false, warmup: false, swa_full: true, log_level: 2});
  return performance.now() - start;
};
window.offloaded = () => logs.find((line) => /offloaded \\d+\\/\\d+ layers/.test(line)) ?? null;
window.ask = async (prompt, max_tokens) => {
  const {choices, timings} = await engine.createCompletion({prompt, max_tokens, temperature: 0,
    top_k: 1, cache_prompt: false, timings_per_token: true});
  return {prompt: timings.prompt_n, generated: timings.predicted_n, prefill: timings.prompt_per_second,
    decode: timings.predicted_per_second, text: choices[0].text};
};
window.ready = true;
</script>`;

/** Headers for both pages: wllama starts threads only on an isolated page. */
export const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
};

/**
 * Fills `folder` with links and pages, to be served with `ISOLATED`: ours.html, theirs.html, the built files, /wllama/.
 * @param parts.dist the folder that `npm run build` fills
 * @param parts.wllama the folder `esm` of wllama's package
 */
export function writeEngineSite(folder: string, {dist, wllama}: {dist: string; wllama: string}): void {
  mkdirSync(folder, {recursive: true});
  writeFileSync(path.join(folder, 'ours.html'), OURS);
  writeFileSync(path.join(folder, 'theirs.html'), THEIRS);
  for (const name of readdirSync(dist)) if (name !== 'demo') link(path.resolve(dist, name), path.join(folder, name));
  link(path.resolve(wllama), path.join(folder, 'wllama'));
}

/** Both pages load this file from now on. */
export const serveModel = (folder: string, file: string): void =>
  link(path.resolve(file), path.join(folder, 'model.gguf'));

function link(target: string, name: string): void {
  rmSync(name, {force: true});
  symlinkSync(target, name);
}

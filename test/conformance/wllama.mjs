// wllama, llama.cpp compiled for browsers, on its WebGPU backend in Chromium over lavapipe: a second GPU implementation.
// Its interface takes text and gives the log-probabilities of the next token, so it is asked for a few places only.
import {createReadStream, existsSync, statSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {lavapipeChrome} from '../../scripts/lavapipe-chrome/index.mjs';
import {launch} from '../../scripts/lib/browser.mjs';
import {serve} from '../../scripts/lib/serve.mjs';
import {writeGguf} from '../../scripts/model-files/gguf-writer.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {ReferenceModel} from '../reference/forward.ts';
import {compareLogits} from './compare.mjs';
import {TOLERANCE} from './judge.mjs';
import {oneAtATime} from './turns.mjs';

/** Prompts whose next token is compared: a few tokens, more than a window of 16, several windows. */
const PROMPTS = [
  'A model in the browser',
  'The page asks, the worker answers, and every tab on the site shares the same model.',
  'How do I put you on my page? You add one script tag and one element.\nA model reads one token at a time.\n' +
    'const add = (a, b) => a + b; for (let i = 0; i < 10; i++) { total += values[i] * 2; }',
];

const folder = fileURLToPath(new URL('node_modules/@wllama/wllama/esm', import.meta.url));
// Threads need an isolated page.
const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
};
const TYPES = {'.js': 'text/javascript', '.wasm': 'application/wasm'};

const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
import {Wllama} from '/wllama/index.js';
window.run = async (prompts, vocabSize) => {
  const logs = [];
  const keep = (...parts) => logs.push(parts.join(' '));
  const engine = new Wllama({default: '/wllama/wasm/wllama.wasm'}, {logger: {debug: keep, log: keep, warn: keep, error: keep}});
  engine.setCompat(null);
  try {
    const blob = await (await fetch('/model.gguf')).blob();
    await engine.loadModel([blob], {n_gpu_layers: 99999, n_threads: 2, n_ctx: 512, n_parallel: 1, flash_attn: false,
      cache_type_k: 'f32', cache_type_v: 'f32', warmup: false, swa_full: true, log_level: 2});
    const offloaded = logs.map((line) => /offloaded (\\d+)\\/(\\d+) layers/.exec(line)).find(Boolean);
    const answers = [];
    for (const prompt of prompts) {
      const {choices, usage} = await engine.createCompletion({prompt, max_tokens: 1, temperature: 0, top_k: 1,
        logprobs: vocabSize, return_tokens: true, cache_prompt: false, ignore_eos: true});
      answers.push({promptTokens: usage.prompt_tokens,
        logprobs: choices[0].logprobs.content[0].top_logprobs.map(({id, logprob}) => [id, logprob])});
    }
    return {offloaded: offloaded ? [Number(offloaded[1]), Number(offloaded[2])] : null, answers};
  } catch (error) {
    throw new Error(String(error) + ' ' + logs.slice(-5).join(' | '));
  } finally {
    await engine.exit().catch(() => {});
  }
};
window.ready = true;
</script>`;

/** Fails where the browser cannot be made to use lavapipe. */
export async function openWllama() {
  const lavapipe = lavapipeChrome();
  if (!lavapipe) {
    throw new Error(
      'wllama needs lavapipe in Chromium: apt-get install gcc libvulkan-dev mesa-vulkan-drivers, or --no-wllama',
    );
  }
  let model = new Uint8Array();
  const send = (response, type, body) => void response.writeHead(200, {'content-type': type, ...ISOLATED}).end(body);
  const server = await serve({
    root: folder,
    handle: ({url}, response) => {
      if (url === '/') return send(response, 'text/html', PAGE) ?? true;
      if (url === '/model.gguf') return send(response, 'application/octet-stream', model) ?? true;
      const file = path.join(folder, url.replace('/wllama/', ''));
      if (!url.startsWith('/wllama/') || !existsSync(file) || !statSync(file).isFile()) return false;
      response.writeHead(200, {'content-type': TYPES[path.extname(file)] ?? 'text/plain', ...ISOLATED});
      createReadStream(file).pipe(response);
      return true;
    },
  });
  const browser = await launch(lavapipe);
  const turn = oneAtATime();
  return {
    description: `wllama ${(await import('./package.json', {with: {type: 'json'}})).default.dependencies['@wllama/wllama']}, WebGPU on lavapipe in Chromium ${browser.version()}`,
    /** Compares the engine's next-token logits after every prompt with wllama's. */
    judge: (bytes, adapter, suppressed) => turn(() => judge(bytes, adapter, suppressed)),
    async close() {
      await browser.close();
      await server.close();
    },
  };

  async function judge(bytes, adapter, suppressed) {
    const source = memorySource(bytes);
    const tokenizer = createTokenizer((await readGguf(source)).metadata);
    const prompts = PROMPTS.map((text) => tokenizer.encode(text));
    const runs = prompts.map((tokens) => ({tokens, chunks: [64]}));
    const ours = (await adapter.logits(bytes, runs)).map((rows) => rows.at(-1));
    model = await withoutByteTokens(bytes);
    const page = await browser.newPage(); // a module that died takes its page with it
    try {
      await page.goto(server.url);
      await page.waitForFunction('window.ready');
      const {offloaded, answers} = await page.evaluate(
        ([texts, n]) => window.run(texts, n),
        [PROMPTS, tokenizer.vocabSize],
      );
      if (!offloaded || offloaded[0] < offloaded[1]) {
        throw new Error(
          `wllama put ${offloaded?.join(' of ') ?? 'no'} layers on the GPU: its figures would be its CPU's`,
        );
      }
      answers.forEach(({promptTokens}, i) => {
        if (promptTokens !== prompts[i].length) throw new Error(`wllama tokenizes "${PROMPTS[i]}" differently`);
      });
      const comparison = {from: adapter.name, to: 'wllama', run: '', ...compareNext(ours, answers, suppressed)};
      if (comparison.relativeRms <= TOLERANCE.wllama) return comparison;
      // Whose is it? The float64 reference at the same places tells.
      const model = await ReferenceModel.load(source, await readGguf(source));
      const exact = prompts.map((tokens) => model.logits(tokens, {from: tokens.length - 1})[0]);
      return {
        ...comparison,
        referenceToWllama: compareNext(exact, answers, suppressed).relativeRms,
        engineToReference: compareLogits(ours, exact, suppressed).relativeRms,
      };
    } finally {
      await page.close();
    }
  }
}

/** Log-probabilities are logits less a constant: both sides are compared less their mean. */
function compareNext(ours, answers, suppressed) {
  const skipped = new Set(suppressed);
  const rows = answers.map(({logprobs}, i) => {
    // Below this a probability of f32 is 0.
    const listed = logprobs.filter(([id, logprob]) => !skipped.has(id) && logprob > -80);
    const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
    const theirMean = mean(listed.map(([, logprob]) => logprob));
    const ourMean = mean(listed.map(([id]) => ours[i][id]));
    return {
      expected: listed.map(([, logprob]) => logprob - theirMean),
      actual: listed.map(([id]) => ours[i][id] - ourMean),
    };
  });
  return compareLogits(
    rows.map(({actual}) => actual),
    rows.map(({expected}) => expected),
  );
}

/**
 * The same model with byte tokens typed normal: this build of wllama dies of a listed token that is no whole character.
 * No prompt here needs one.
 */
async function withoutByteTokens(bytes) {
  const source = memorySource(bytes);
  const {metadata, tensors} = await readGguf(source);
  const raw = Object.fromEntries([...metadata.keys()].map((key) => [key, metadata.raw(key)]));
  const types = metadata.numericArray('tokenizer.ggml.token_type');
  raw['tokenizer.ggml.token_type'] = Int32Array.from(types, (type) => (type === 6 ? 1 : type));
  return writeGguf({
    metadata: raw,
    tensors: [...tensors.values()].map(({name, type, shape, offset, byteLength}) => ({
      name,
      type,
      shape,
      data: bytes.subarray(offset, offset + byteLength),
    })),
  });
}

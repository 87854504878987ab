// `npm run conformance`: every generated shape × weight type and the demo model before all judges, then the tokenizer.
// Prints a line a model, exits ≠ 0 on any miss, keeps the golden files up to date. A complete run also writes
// docs/conformance.md.
//   --shapes a,b  --types X,Y   only these models
import {readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {generateModel, SHAPES, WEIGHT_TYPES} from '../fixtures/models/model.ts';
import {forcedTokens} from '../helpers/forced-tokens.ts';
import {findAdapter} from '../helpers/gpu.ts';
import {DEMO_MODEL, judgeDemo} from './demo.mjs';
import {GOLDEN_MODELS, writeGolden} from './golden.mjs';
import {judge} from './judge.mjs';
import {report} from './report.mjs';
import {checkTokenizer} from './tokenizer.mjs';

const {values} = parseArgs({options: {shapes: {type: 'string'}, types: {type: 'string'}}});
const partial = values.shapes !== undefined || values.types !== undefined;
const shapes = choose(values.shapes, Object.keys(SHAPES));
const types = choose(values.types, WEIGHT_TYPES);

process.env.REQUIRE_LAVAPIPE = '1'; // no adapter is an error here, not a reason to skip
const adapter = await findAdapter();
const device = await adapter.requestDevice();
console.log(`GPU adapter: ${adapter.info.description}\n`);

const seed = 1;
const models = [];
for (const shape of shapes) {
  const {vocabSize, suppressed} = SHAPES[shape];
  for (const type of types) {
    const bytes = generateModel({shape, type, seed});
    const tokens = forcedTokens(vocabSize);
    const result = await judge(bytes, tokens, device, suppressed);
    models.push({shape, type, ...result});
    printModel(`${shape} ${type}`, result);
    const golden = GOLDEN_MODELS.some((model) => model.shape === shape && model.type === type);
    if (golden && result.misses.length === 0) {
      await writeGolden({shape, type, seed}, bytes, tokens, result.llama, suppressed);
    }
    result.llama = null;
  }
}

let demo = null;
let tokenizer = null;
if (!partial) {
  demo = await judgeDemo(new Uint8Array(readFileSync(DEMO_MODEL)), device);
  printDemo(demo);
  tokenizer = await checkTokenizer();
}
const misses = [...models, demo, tokenizer].flatMap((part) => part?.misses ?? []);
if (!partial) {
  const file = fileURLToPath(new URL('../../docs/conformance.md', import.meta.url));
  writeFileSync(file, report({adapter: adapter.info.description, models, demo, tokenizer}));
}
console.log(misses.length === 0 ? '\nall judges agree' : `\n${misses.length} misses`);
process.exit(misses.length === 0 ? 0 : 1);

function choose(list, all) {
  const chosen = list ? list.split(',') : all;
  const unknown = chosen.filter((each) => !all.includes(each));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; there are ${all.join(', ')}`);
  return chosen;
}

function printModel(name, {comparisons, misses}) {
  const figures = Object.entries(comparisons).map(([pair, {relativeRms}]) => `${pair} ${relativeRms.toExponential(1)}`);
  const {clear, wrong} = comparisons.engineToLlama;
  console.log(`${name.padEnd(22)} ${figures.join('  ')}  first choice ${clear - wrong}/${clear}`);
  for (const miss of misses) console.log(`  MISS ${miss}`);
}

function printDemo({answers, misses, ...forced}) {
  printModel('demo model', {...forced, misses});
  for (const {question, text, parted} of answers) {
    console.log(`  ${question}\n    ${text.trim().replaceAll('\n', '\n    ')}`);
    for (const {at, margin} of parted) console.log(`    parts at token ${at}, margin ${margin.toFixed(3)}`);
  }
}

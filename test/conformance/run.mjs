// `npm run conformance`: every model of the matrix (matrix.mjs) and the demo model before all judges, then tokenizers and
// templates. Prints a line a model and its own time, exits ≠ 0 on any miss, keeps the golden files up to date. A
// complete run also writes docs/conformance.md.
//   --shapes a,b  --types X,Y  --groups g,h   only these models
//   --adapters lavapipe,swiftshader  --no-wllama   only these judges
//   --list   says what would run
import {readFileSync, writeFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {generateModel, SHAPES} from '../fixtures/models/model.ts';
import {forcedTokens} from '../helpers/forced-tokens.ts';
import {writeGoldenBlocks} from './blocks.mjs';
import {DEMO_MODEL, judgeDemo} from './demo.mjs';
import {openDawn, openSwiftShader} from './engines.mjs';
import {writeGolden} from './golden.mjs';
import {judge, missesOf} from './judge.mjs';
import {quantize} from './llama.mjs';
import {allCells, QUANTIZER_TYPES} from './matrix.mjs';
import {report} from './report.mjs';
import {clearlyRouted} from './router.mjs';
import {checkText} from './text.mjs';
import {twoAtATime} from './turns.mjs';
import {openWllama} from './wllama.mjs';

const text = {type: 'string'};
const {values} = parseArgs({
  options: {
    shapes: text,
    types: text,
    groups: text,
    adapters: text,
    'no-wllama': {type: 'boolean'},
    list: {type: 'boolean'},
  },
});
const start = performance.now();
const cells = chosenCells();
if (values.list) {
  for (const {group, shape, type, seed} of cells) console.log(`${group.padEnd(10)} ${shape} ${type} seed ${seed}`);
  console.log(`${cells.length} models`);
  process.exit(0);
}
const adapterNames = values.adapters?.split(',') ?? ['lavapipe', 'swiftshader'];
const partial = Object.keys(values).length > 0;

const dawn = await openDawn();
const swiftShader = adapterNames.includes('swiftshader') ? await openSwiftShader() : null;
const wllama = values['no-wllama'] ? null : await openWllama();
for (const each of [dawn, swiftShader, wllama]) if (each) console.log(each.description);
console.log(`${cells.length} models\n`);

writeGoldenBlocks();
const models = await twoAtATime(cells, judgeCell);

let demo = null;
let checked = null;
if (!partial) {
  demo = await judgeDemo(new Uint8Array(readFileSync(DEMO_MODEL)), dawn);
  printDemo(demo);
  checked = await checkText();
}
const descriptions = [dawn, swiftShader].flatMap((each) => each?.description ?? []);
await Promise.all([dawn, swiftShader, wllama].map((each) => each?.close()));

const misses = [...models, demo, checked].flatMap((part) => part?.misses ?? []);
const seconds = (performance.now() - start) / 1000;
if (!partial) {
  const file = fileURLToPath(new URL('../../docs/conformance.md', import.meta.url));
  writeFileSync(
    file,
    report({
      adapters: descriptions,
      wllama: wllama.description,
      models,
      demo,
      text: checked,
      minutes: seconds / 60,
      cores: availableParallelism(),
    }),
  );
}
console.log(misses.length === 0 ? '\nall judges agree' : `\n${misses.length} misses`);
console.log(
  `${(seconds / 60).toFixed(1)} minutes, of which generated models ${sum(models.map((model) => model.seconds))} s`,
);
process.exit(misses.length === 0 ? 0 : 1);

async function judgeCell(asked) {
  const began = performance.now();
  const {vocabSize, suppressed} = SHAPES[asked.shape];
  const tokens = forcedTokens(vocabSize, asked.positions);
  let cell = asked;
  let result = {comparisons: [], misses: []};
  try {
    const {bytes, ...routed} = await clearlyRouted(asked.seed, (seed) => bytesOf({...asked, seed}), tokens);
    cell = {...asked, ...routed};
    const adapters = [dawn, ...(cell.swiftshader && swiftShader ? [swiftShader] : [])];
    result = await judge(bytes, tokens, {adapters, runs: cell.runs, suppressed});
    if (cell.wllama && wllama) {
      const comparison = await wllama.judge(bytes, dawn, suppressed);
      result.comparisons.push(comparison);
      result.misses.push(...missesOf(comparison));
    }
    if (cell.golden && result.misses.length === 0) await writeGolden(cell, bytes, tokens, result.llama, suppressed);
  } catch (error) {
    result.misses.push(`failed: ${error.message.slice(0, 500)}`);
  }
  result.llama = null;
  const margin = cell.margin ? `, router margin ${cell.margin.toExponential(1)}` : '';
  const name = `${cell.shape} ${cell.type} (${cell.group}, seed ${cell.seed}${margin})`;
  const seconds = (performance.now() - began) / 1000;
  printModel(name, result, seconds);
  return {...cell, ...result, misses: result.misses.map((miss) => `${name}: ${miss}`), seconds};
}

function bytesOf({group, shape, type, seed}) {
  if (group !== 'quantizer') return generateModel({shape, type, seed});
  return quantize(generateModel({shape, type: 'F32', seed}), QUANTIZER_TYPES[type]);
}

function chosenCells() {
  const all = allCells();
  const chosen = {shape: values.shapes, type: values.types, group: values.groups};
  for (const [field, list] of Object.entries(chosen)) {
    const known = new Set(all.map((each) => each[field]));
    const unknown = (list?.split(',') ?? []).filter((name) => !known.has(name));
    if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; there are ${[...known].join(', ')}`);
  }
  return all.filter((each) =>
    Object.entries(chosen).every(([field, list]) => !list || list.split(',').includes(each[field])),
  );
}

function printModel(name, {comparisons, misses}, seconds) {
  const figures = comparisons.map(({from, to, run, relativeRms}) => {
    const how = run && run !== 'default' ? ` (${run})` : '';
    return `${from}→${to}${how} ${relativeRms.toExponential(1)}`;
  });
  const clear = sum(comparisons.map((each) => each.clear));
  const equal = clear - sum(comparisons.map((each) => each.wrong));
  console.log(`${name.padEnd(36)} ${figures.join('  ')}  first choice ${equal}/${clear}  ${seconds.toFixed(1)} s`);
  for (const miss of misses) console.log(`  MISS ${miss}`);
}

function printDemo({answers, misses, comparisons}) {
  printModel('demo model', {comparisons, misses}, 0);
  for (const {question, text: answer, parted} of answers) {
    console.log(`  ${question}\n    ${answer.trim().replaceAll('\n', '\n    ')}`);
    for (const {at, margin} of parted) console.log(`    parts at token ${at}, margin ${margin.toFixed(3)}`);
  }
}

function sum(list) {
  return Math.round(list.reduce((a, b) => a + b, 0));
}

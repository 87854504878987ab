// `npm run conformance`: every model of the matrix (matrix.mjs) and the demo model before all judges, then tokenizers and
// templates. Prints a line a model and its own time, exits ≠ 0 on any miss, keeps the golden files up to date. A run of
// all models also writes its columns of docs/conformance.md.
//   --hf   transformers is the one judge, beside the float64 reference, and lavapipe the one adapter: a third of the time
//   --real   real weights instead of generated ones (real.mjs); with --hf the stored values are made anew
//   --lora   adapters beside llama.cpp's (lora.mjs)
//   --embeddings   a real EmbeddingGemma beside transformers' stored vectors (embeddings.mjs)
//   --embedding2   a generated EmbeddingGemma 2 beside transformers (embedding2.mjs)
//   --fault norm|window|rope   the engine gets a model with a fault, which must be seen (faults.mjs)
//   --shapes a,b  --types X,Y  --groups g,h   only these models
//   --adapters lavapipe,swiftshader  --no-wllama   only these
//   --list   says what would run
import {readFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {parseArgs} from 'node:util';
import {generateModel, SHAPES} from '../../scripts/model-files/model.ts';
import {forcedTokens} from '../helpers/forced-tokens.ts';
import {openDawn, openSwiftShader} from './engines.mjs';
import {FAULTS, withFault} from './faults.mjs';
import {writeGolden} from './golden.mjs';
import {judge, missesOf} from './judge.mjs';
import {allCells, QUANTIZER_TYPES} from './matrix.mjs';
import {updatePage} from './report.mjs';
import {clearlyRouted} from './router.mjs';
import {openTransformers} from './transformers.mjs';
import {twoAtATime} from './turns.mjs';

const text = {type: 'string'};
const {values} = parseArgs({
  options: {
    hf: {type: 'boolean'},
    real: {type: 'boolean'},
    embeddings: {type: 'boolean'},
    embedding2: {type: 'boolean'},
    lora: {type: 'boolean'},
    fault: text,
    shapes: text,
    types: text,
    groups: text,
    adapters: text,
    'no-wllama': {type: 'boolean'},
    list: {type: 'boolean'},
  },
});
if (values.fault && !FAULTS[values.fault]) throw new Error(`--fault is one of ${Object.keys(FAULTS).join(', ')}`);
if (values.real) {
  const {judgeReal} = await import('./real.mjs');
  process.exit(await judgeReal({fault: values.fault, hf: values.hf}));
}
if (values.embeddings) process.exit(await (await import('./embeddings.mjs')).judgeEmbeddings());
if (values.embedding2) process.exit(await (await import('./embedding2.mjs')).judgeEmbedding2());
if (values.lora) process.exit(await (await import('./lora.mjs')).judgeLora());
const start = performance.now();
const cells = chosenCells();
if (values.list) {
  for (const {group, shape, type, seed} of cells) console.log(`${group.padEnd(10)} ${shape} ${type} seed ${seed}`);
  console.log(`${cells.length} models`);
  process.exit(0);
}
// llama.cpp is loaded only where it is asked for: as a judge, or to quantize.
const {quantize} = await import('./llama.mjs');
const everyJudge = !values.hf;
const adapterNames = values.adapters?.split(',') ?? (everyJudge ? ['lavapipe', 'swiftshader'] : ['lavapipe']);
const everyModel = !values.shapes && !values.types && !values.groups && !values.fault;

const dawn = await openDawn();
const swiftShader = adapterNames.includes('swiftshader') ? await openSwiftShader() : null;
const transformers = await openTransformers();
const wllama = everyJudge && !values['no-wllama'] ? await (await import('./wllama.mjs')).openWllama() : null;
const judges = [transformers, ...(everyJudge ? [(await import('./llama-judge.mjs')).llamaJudge] : [])];
for (const each of [dawn, swiftShader, ...judges, wllama]) if (each) console.log(each.description);
console.log(`${cells.length} models\n`);

if (everyJudge) (await import('./blocks.mjs')).writeGoldenBlocks();
const models = await twoAtATime(cells, judgeCell);

let demo = null;
let checked = null;
if (everyModel && everyJudge) {
  const {DEMO_MODEL, judgeDemo} = await import('./demo.mjs');
  demo = await judgeDemo(new Uint8Array(readFileSync(DEMO_MODEL)), dawn, judges);
  printDemo(demo);
  checked = await (await import('./text.mjs')).checkText();
}
await Promise.all([dawn, swiftShader, transformers, wllama].map((each) => each?.close()));

const misses = [...models, demo, checked].flatMap((part) => part?.misses ?? []);
const minutes = (performance.now() - start) / 60_000;
if (everyModel) {
  updatePage({
    command: values.hf ? 'npm run conformance -- --hf' : 'npm run conformance',
    adapters: [dawn, swiftShader].filter(Boolean),
    judges: [...judges, wllama].filter(Boolean),
    models,
    demo,
    text: checked,
    minutes,
    cores: availableParallelism(),
  });
}
console.log(
  `\n${minutes.toFixed(1)} minutes, of which generated models ${sum(models.map((model) => model.seconds))} s`,
);
if (values.fault) {
  const asked = models.filter(({skipped}) => !skipped);
  const seen = asked.filter((model) => model.misses.length > 0).length;
  console.log(`"${FAULTS[values.fault]}" was seen in ${seen} of ${asked.length} models`);
  process.exit(seen === asked.length && seen > 0 ? 0 : 1);
}
console.log(misses.length === 0 ? 'all judges agree' : `${misses.length} misses`);
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
    const engineBytes = values.fault ? await withFault(values.fault, bytes) : bytes;
    if (!engineBytes) return {...cell, ...result, skipped: true, seconds: 0};
    const adapters = [dawn, ...(cell.swiftshader && swiftShader ? [swiftShader] : [])];
    result = await judge(bytes, tokens, {adapters, runs: cell.runs, judges, suppressed, engineBytes});
    if (cell.wllama && wllama) {
      const comparison = await wllama.judge(bytes, dawn, suppressed);
      result.comparisons.push(comparison);
      result.misses.push(...missesOf(comparison));
    }
    if (cell.golden && result.misses.length === 0) {
      await writeGolden(cell, bytes, tokens, result.logits.transformers, suppressed);
    }
  } catch (error) {
    result.misses.push(`failed: ${error.message.slice(0, 500)}`);
  }
  delete result.logits;
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

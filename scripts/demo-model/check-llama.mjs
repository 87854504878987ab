// Compares a trained demo model with llama.cpp: token ids of the whole data, rendered conversations, logits of the F32
// twin at forced positions, and greedy answers of the shipped file. Needs what check.py writes, and an installed node-llama-cpp.
//
//   node scripts/demo-model/check-llama.mjs [FOLDER] [NODE_MODULES=test/conformance/node_modules]
import fs from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';
import {Template} from '@huggingface/jinja';

const [folder = '/tmp/gemma-chat-demo-check', modules = 'test/conformance/node_modules'] = process.argv.slice(2);
const entry = path.resolve(modules, 'node-llama-cpp/dist/index.js');
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(entry).href);
const llama = await getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  progressLogs: false,
  logLevel: LlamaLogLevel.error,
  maxThreads: 2,
});
const check = JSON.parse(fs.readFileSync(path.join(folder, 'check.json'), 'utf8'));
const bytes = fs.readFileSync(path.join(folder, 'check.bin'));
const expected = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
let failures = 0;
const report = (ok, text) => {
  console.log(ok ? 'ok  ' : 'FAIL', text);
  if (!ok) failures += 1;
};
const equal = (a, b) => a.length === b.length && a.every((value, index) => value === b[index]);

const twin = await llama.loadModel({modelPath: path.join(folder, 'gemma-chat-demo-f32.gguf')});
let differing = 0;
for (const {text, plain, special} of check.texts) {
  const cases = [
    [plain, twin.tokenize(text, false)],
    [special, twin.tokenize(text, true)],
  ];
  for (const [ours, theirs] of cases) {
    if (equal(ours, theirs)) continue;
    differing += 1;
    if (differing < 6)
      console.log('differs:', JSON.stringify(text).slice(0, 100), ours.join(' '), '|', theirs.join(' '));
  }
}
report(differing === 0, `token ids of ${check.texts.length} texts, twice: ${differing} differ`);

const template = new Template(twin.fileInfo.metadata.tokenizer.chat_template);
differing = 0;
for (const {messages, thinking, ids} of check.rendered) {
  const text = template.render({messages, enable_thinking: thinking, bos_token: '<bos>', add_generation_prompt: false});
  const theirs = twin.tokenize(text, true);
  if (equal(ids, theirs)) continue;
  differing += 1;
  if (differing < 4) console.log('differs:', JSON.stringify(text), ids.join(' '), '|', theirs.join(' '));
}
report(differing === 0, `${check.rendered.length} conversations through the template: ${differing} differ`);

const context = await twin.createContext({
  contextSize: 512,
  batchSize: 512,
  threads: 2,
  flashAttention: false,
  experimentalKvCacheKeyType: 'F32',
  experimentalKvCacheValueType: 'F32',
});
const rows = await context
  .getSequence()
  .controlledEvaluate(check.ids.map((id) => [id, {generateNext: {logits: true}}]));
const vocab = expected.length / check.ids.length;
let squares = 0;
let norm = 0;
let flips = 0;
rows.forEach((row, position) => {
  const want = expected.subarray(position * vocab, (position + 1) * vocab);
  const sorted = [...row.next.logits];
  for (const [id, logit] of sorted) {
    squares += (logit - want[id]) ** 2;
    norm += logit ** 2;
  }
  const best = want.indexOf(Math.max(...want));
  if (best !== sorted[0][0] && sorted[0][1] - sorted[1][1] > 0.05) flips += 1;
});
const error = Math.sqrt(squares / norm);
report(
  error <= 3e-3,
  `logits over ${check.ids.length} positions (window ${check.window}): relative rms ${error.toExponential(2)}`,
);
report(flips === 0, `top tokens where llama.cpp is sure: ${flips} differ`);
await context.dispose();

const shipped = await llama.loadModel({modelPath: path.join(folder, 'gemma-chat-demo.gguf')});
const shippedContext = await shipped.createContext({contextSize: 512, threads: 2, flashAttention: false});
let same = 0;
for (const {question, answer} of check.answers) {
  const prompt = template.render({
    messages: [{role: 'user', content: question}],
    bos_token: '<bos>',
    add_generation_prompt: true,
  });
  const sequence = shippedContext.getSequence();
  const out = [];
  for await (const token of sequence.evaluate(shipped.tokenize(prompt, true), {temperature: 0})) {
    out.push(token);
    if (out.length >= 200) break;
  }
  // Ids, not texts: llama.cpp's detokenizer takes the space out of " 'm" as if it were a contraction.
  const wanted = shipped.tokenize(answer.trim(), false);
  if (equal(out, wanted)) same += 1;
  else console.log('answers differ:', question, '\n ours  ', wanted.join(' '), '\n theirs', out.join(' '));
  sequence.dispose();
}
report(
  same === check.answers.length,
  `${same} of ${check.answers.length} greedy answers of the shipped file are equal`,
);
process.exit(failures ? 1 : 0);

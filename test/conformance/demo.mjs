// The demo model as shipped: forced logits like any model, and the answers to ten questions, greedily, by the engine and
// by llama.cpp's own kernels for quantized weights.
import {fileURLToPath} from 'node:url';
import {renderToText, renderToTokens} from '../../src/chat/template.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {createTemplate} from '../helpers/chat-template.ts';
import {topTwo} from './compare.mjs';
import {withFile} from './files.mjs';
import {judge} from './judge.mjs';
import {LlamaModel} from './llama.mjs';

export const DEMO_MODEL = fileURLToPath(new URL('../../demo/models/gemma-chat-demo.gguf', import.meta.url));

export const QUESTIONS = [
  'What is gemma-chat?',
  'How do I put you on my page?',
  'Do I need a server?',
  'Which browsers work?',
  'How do I change the colours?',
  'Can two tabs share one model?',
  'How do I load my own model?',
  'Is my text sent anywhere?',
  'How do I use it from JavaScript?',
  'Who won the football match yesterday?',
];

const MAX_TOKENS = 160;
/**
 * llama.cpp rounds activations to 8 bits where weights are quantized, which moves the logits of this model by up to 0.27
 * (seen over 91 positions): two choices closer than twice that are a tie that rounding may decide.
 */
export const NEAR_TIE = 0.5;

/**
 * @param adapter Dawn's, of engines.mjs
 * @param judges as of judge.mjs
 */
export async function judgeDemo(bytes, adapter, judges) {
  const source = memorySource(bytes, 'gemma-chat-demo.gguf');
  const file = await readGguf(source);
  const tokenizer = createTokenizer(file.metadata);
  const template = createTemplate(tokenizer);
  const engine = await loadEngine(source, file, adapter.device, {contextLength: 512});
  const answers = [];
  const misses = [];
  try {
    await withFile(bytes, async (path) => {
      const llama = new LlamaModel(path);
      for (const question of QUESTIONS) {
        const messages = [{role: 'user', content: question}];
        const prompt = renderToTokens(tokenizer, template, messages);
        const theirs = llama.tokenize(renderToText(tokenizer, template, messages), {parseSpecial: true});
        if (prompt.join() !== theirs.join()) misses.push(`demo: "${question}" is tokenized differently`);
        const tokens = await greedy(engine, prompt, tokenizer.stopIds);
        const parted = compareGreedy(llama, prompt, tokens);
        answers.push({question, text: tokenizer.decode(tokens), tokens: tokens.length, parted});
        for (const {at, margin} of parted) {
          if (!(margin <= NEAR_TIE)) {
            misses.push(`demo: "${question}" parts at token ${at} by ${margin.toFixed(2)}, no near-tie`);
          }
        }
      }
      llama.free();
    });
  } finally {
    engine.destroy();
  }
  // A real text for the other judges: the first question and the answers.
  const [first] = answers;
  const text = [
    ...renderToTokens(tokenizer, template, [{role: 'user', content: first.question}]),
    ...tokenizer.encode(answers.map((answer) => answer.text).join('\n'), {addBos: false}),
  ];
  const forced = await judge(bytes, text.slice(0, 96), {
    adapters: [adapter],
    judges,
    runs: {default: {chunks: [1, 33, 17, 1]}},
    suppressed: tokenizer.suppressedIds,
  });
  return {
    answers,
    comparisons: forced.comparisons,
    misses: [...misses, ...forced.misses.map((miss) => `demo: ${miss}`)],
  };
}

/** The engine's answer, its stop token included. */
async function greedy(engine, prompt, stopIds) {
  const sequence = engine.createSequence();
  const tokens = [];
  try {
    let next = prompt;
    while (tokens.length < MAX_TOKENS && !stopIds.has(tokens.at(-1))) {
      let rows;
      for (let at = 0; at < next.length; at += engine.chunkSize) {
        [rows] = await engine.step([{sequence, tokens: next.slice(at, at + engine.chunkSize), logits: 'last'}]);
      }
      const [token] = topTwo(rows[0]);
      tokens.push(token);
      next = [token];
    }
  } finally {
    sequence.free();
  }
  return tokens;
}

/** Every place where llama.cpp, given the same text so far, would have gone on differently, and by how much. */
function compareGreedy(llama, prompt, answer) {
  const context = llama.context({size: 512});
  const logits = context.decode([...prompt, ...answer]).slice(prompt.length - 1);
  context.free();
  return answer.flatMap((token, at) => {
    const [best] = topTwo(logits[at]);
    return best === token ? [] : [{at, margin: logits[at][best] - logits[at][token]}];
  });
}

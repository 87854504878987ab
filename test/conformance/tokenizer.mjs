// Runs the tokenizer's tests beside llama.cpp as part of the conformance run.
import {run} from '../../scripts/lib/run.mjs';

export async function checkTokenizer() {
  const args = ['--import', './scripts/lib/node.mjs', 'node_modules/mocha/bin/mocha.js', '--exit'];
  try {
    const output = await run(process.execPath, [...args, 'test/conformance/tokenizer.test.mjs']);
    const lines = output.split('\n').filter((line) => /\S/.test(line) && !/ passing /.test(line));
    return {output: lines.map((line) => line.replace(/ \(\d+m?s\)$/, '').slice(2)).join('\n'), misses: []};
  } catch (error) {
    return {output: 'failed', misses: [`tokenizer: ${error.message}`]};
  }
}

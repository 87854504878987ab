// Runs the tokenizer's tests beside llama.cpp as part of the conformance run.
import {run} from '../../scripts/lib/run.mjs';

export async function checkTokenizer() {
  const args = ['--import', './scripts/lib/node.mjs', 'node_modules/mocha/bin/mocha.js', '--exit'];
  try {
    const output = await run(process.execPath, [...args, 'test/conformance/tokenizer.test.mjs']);
    return {passed: output.match(/^\s*✔ .*$/gm).map((line) => line.replace(/✔|\(\d+m?s\)/g, '').trim()), misses: []};
  } catch (error) {
    return {passed: [], misses: [`tokenizer: ${error.message}`]};
  }
}

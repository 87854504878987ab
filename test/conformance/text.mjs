// Runs the tests of tokenizers and chat templates beside llama.cpp as part of the conformance run.
import {run} from '../../scripts/lib/run.mjs';

const FILES = ['tokenizer.test.mjs', 'template.test.mjs'];

export async function checkText() {
  const args = ['--import', './scripts/lib/node.mjs', 'node_modules/mocha/bin/mocha.js', '--exit'];
  try {
    const output = await run(process.execPath, [...args, ...FILES.map((file) => `test/conformance/${file}`)]);
    const lines = output.split('\n').filter((line) => /\S/.test(line) && !/ passing /.test(line));
    return {output: lines.map((line) => line.replace(/ \(\d+m?s\)$/, '').slice(2)).join('\n'), misses: []};
  } catch (error) {
    return {output: 'failed', misses: [`tokenizers and templates: ${error.message}`]};
  }
}

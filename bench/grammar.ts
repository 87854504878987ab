// `npm run bench -- grammar <file.gguf> [--seed 1] [--answers 20]`: what an answer under a form costs a token in Chromium, with the
// vocabulary of a real file. The file needs no weights.
import path from 'node:path';
import {parseArgs} from 'node:util';
import {launch} from '../scripts/lib/browser.mjs';
import type {FormedRequest} from '../src/grammar/index.ts';
import type {GrammarBench} from './lib/grammar-page.ts';
import {pageBundle} from './lib/page-bundle.ts';

declare const grammarBench: GrammarBench;

const schema = (json: object): FormedRequest => ({
  response_format: {type: 'json_schema', json_schema: {name: 'a', schema: json}},
});
const address = {
  type: 'object',
  properties: {
    name: {type: 'string', minLength: 1, maxLength: 40},
    email: {type: 'string', format: 'email'},
    born: {type: 'string', format: 'date'},
    tags: {type: 'array', items: {enum: ['new', 'old', 'ill']}, maxItems: 5},
    height: {type: 'number', minimum: 0.5, maximum: 2.5},
  },
  required: ['name', 'email', 'born', 'tags', 'height'],
};

const FORMS: Record<string, FormedRequest> = {
  'any JSON object': {response_format: {type: 'json_object'}},
  'a schema of five properties': schema(address),
  'a list of them': schema({type: 'array', items: address, minItems: 2}),
  'a tree': schema({
    type: 'object',
    properties: {value: {type: 'string'}, children: {type: 'array', items: {$ref: '#'}}},
    required: ['value', 'children'],
  }),
  'an enum of 1,000': schema({enum: Array.from({length: 1000}, (_, i) => `entry number ${i * 7919}`)}),
  'a regular expression': {response_format: {type: 'regex', regex: '([A-Z][a-z]{1,9} ){2,8}\\d{3}-\\d{4}'}},
  'chess in GBNF': {
    response_format: {
      type: 'gbnf',
      gbnf: 'root ::= (n ". " move " " move "\\n")+\nn ::= [1-9] [0-9]?\nmove ::= ([NBKQR]? [a-h]? [1-8]? "x"? [a-h] [1-8]) [+#]?',
    },
  },
};

export async function run(args: string[]): Promise<void> {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {seed: {type: 'string', default: '1'}, answers: {type: 'string', default: '20'}},
  });
  const [file] = positionals;
  if (!file) throw new Error('usage: npm run bench -- grammar <file.gguf>');
  const browser = await launch({webgpu: false});
  try {
    const page = await browser.newPage();
    await page.setContent('<input type="file">');
    await page.addScriptTag({content: await pageBundle(path.join(import.meta.dirname, 'lib/grammar-page.ts'))});
    await page.locator('input').setInputFiles(file);
    const {tokens, tokenizerMs, vocabularyMs} = await page.evaluate(() => grammarBench.load());
    console.log(`Chromium ${browser.version()}, ${path.basename(file)}: ${tokens} tokens`);
    console.log(`tokenizer ${tokenizerMs.toFixed(0)} ms; the trie of its tokens, once ${vocabularyMs.toFixed(0)} ms\n`);
    console.log('| form | ready, ms | tokens | median, µs | 99 % | worst |\n|---|---:|---:|---:|---:|---:|');
    for (const [name, request] of Object.entries(FORMS)) {
      const given = [request, Number(values.answers), Number(values.seed)] as const;
      const {readyMs, tokenUs} = await page.evaluate(([form, n, seed]) => grammarBench.walk(form, n, seed), given);
      const sorted = tokenUs.toSorted((a, b) => a - b);
      const at = (share: number) =>
        (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(0);
      console.log(`| ${name} | ${readyMs.toFixed(0)} | ${sorted.length} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`);
    }
  } finally {
    await browser.close();
  }
}

// The real vocabulary over real texts: the files of this repository and of the machine's Python library, tokenized by the
// engine's tokenizer and by Google's tokenizer.json in Hugging Face's `tokenizers`.
import {execFileSync} from 'node:child_process';
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {ROOT} from '../../../scripts/lib/run.mjs';

const OWN = ['src', 'shaders', 'test', 'docs', 'scripts', 'bench', 'demo'];
const TEXTS_AT_ONCE = 200;
/** Literal marks in a row beside a space, where `tokenizers` cuts otherwise than SentencePiece itself. */
const MARKS_BESIDE_SPACE = '▁▁+ | ▁▁+';

/**
 * Control tokens that a text spells stay text here, on purpose, and are control tokens there: such a text is cut where it
 * spells one, or has marks beside a space, and the pieces are compared.
 * @param ask of openPython
 * @param tokenizer of the model's file
 * @param google path of tokenizer.json
 * @returns {Promise<{files: number, tokens: number, parted: string[], cut: number}>} parted: names
 */
export async function compareTokens(ask, tokenizer, google) {
  const control = controlTokens(tokenizer);
  const texts = [...ownFiles(), ...pythonFiles()].map((file) => ({file, text: readFileSync(file, 'utf8')}));
  const result = {files: texts.length, tokens: 0, parted: [], cut: 0};
  for (let at = 0; at < texts.length; at += TEXTS_AT_ONCE) {
    const pieces = texts.slice(at, at + TEXTS_AT_ONCE).flatMap(({file, text}) => {
      const parts = text.split(control);
      if (parts.length > 1) result.cut++;
      return parts.filter(Boolean).map((part) => ({file, part}));
    });
    const asked = ask({do: 'tokenize', tokenizer: google, texts: pieces.map(({part}) => part)});
    const ours = pieces.map(({part}) => tokenizer.encode(part, {addBos: false, parseSpecial: false}));
    const {ids} = await asked;
    for (const [i, {file}] of pieces.entries()) {
      result.tokens += ours[i].length;
      if (ours[i].join() !== ids[i].join() && result.parted.at(-1) !== file) result.parted.push(file);
    }
  }
  return result;
}

function controlTokens(tokenizer) {
  const spelled = [];
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (tokenizer.tokenType(id) === 'control') spelled.push(tokenizer.decode([id], {special: true}));
  }
  const escaped = spelled.filter(Boolean).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp([...escaped.sort((a, b) => b.length - a.length), MARKS_BESIDE_SPACE].join('|'));
}

function ownFiles() {
  const inFolders = OWN.flatMap((folder) => filesIn(path.join(ROOT, folder), /\.(ts|mjs|wgsl|md|py|html|css|json)$/));
  const above = readdirSync(ROOT).filter((name) => /\.(md|json|mjs)$/.test(name));
  return [...inFolders, ...above.map((name) => path.join(ROOT, name))];
}

function pythonFiles() {
  const script = 'import sysconfig; print(sysconfig.get_paths()["stdlib"])';
  const folder = execFileSync('python3', ['-c', script], {encoding: 'utf8'}).trim();
  return filesIn(folder, /\.py$/, /site-packages|\/test\//);
}

function filesIn(folder, name, except = /node_modules|\.cache/) {
  return readdirSync(folder, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !except.test(file))
    .sort();
}

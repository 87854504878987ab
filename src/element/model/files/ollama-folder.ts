// Finds the models in a folder that was dropped: Ollama's, by their manifests, or GGUF files. Knows folders by what we
// need of them; everything in them is hostile.

/** A folder as a drop or a picker gives it. */
export interface Folder {
  readonly name: string;
  /** Null where there is no such folder, or it is a file. */
  folder(name: string): Promise<Folder | null>;
  file(name: string): Promise<File | null>;
  entries(): Promise<readonly {name: string; isFolder: boolean}[]>;
}

export interface FoundModel {
  /** As `ollama list` shows it, or a file's name. */
  readonly name: string;
  readonly size: number;
  /** Its files; one, or all parts. Rejects where one is missing. */
  files(): Promise<File[]>;
  /** The hash its file must have. */
  readonly integrity: string | null;
}

const MODEL_LAYER = 'application/vnd.ollama.image.model';
const MAX_MANIFEST_BYTES = 2 ** 20;
const MAX_MODELS = 500;
const DIGEST = /^sha256:([0-9a-f]{64})$/;
const HOME = ['registry.ollama.ai', 'library'];

/** The models in a folder: of an Ollama (the folder itself, or `models` in it), else its GGUF files. */
export async function modelsIn(folder: Folder): Promise<FoundModel[]> {
  for (const place of [folder, await folder.folder('models')]) {
    const [manifests, blobs] = [await place?.folder('manifests'), await place?.folder('blobs')];
    if (manifests && blobs) return ollamaModels(manifests, blobs);
  }
  const names = (await folder.entries()).filter(({name, isFolder}) => !isFolder && /\.gguf$/i.test(name));
  const files = await Promise.all(names.slice(0, MAX_MODELS).map(({name}) => folder.file(name)));
  return modelsOf(files.filter((file) => file !== null));
}

/** Files as models: the parts of a split one are one, each other file is one of its own. */
export function modelsOf(files: readonly File[]): FoundModel[] {
  const groups = new Map<string, File[]>();
  for (const file of files) {
    const split = /^(.*)-\d{5}-of-(\d{5})\.gguf$/i.exec(file.name);
    const key = split ? `${split[1]}-of-${split[2]}` : `${groups.size} ${file.name}`;
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return [...groups.values()].map((group) => ({
    name: group[0].name,
    size: group.reduce((bytes, {size}) => bytes + size, 0),
    files: async () => group,
    integrity: group.length === 1 ? blobIntegrity(group[0].name) : null,
  }));
}

/** A blob of an Ollama's is named by its hash. */
function blobIntegrity(name: string): string | null {
  return /^sha256-[0-9a-f]{64}$/.test(name) ? name : null;
}

async function ollamaModels(manifests: Folder, blobs: Folder): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  for await (const {path, folder} of manifestsIn(manifests, [], 4)) {
    if (found.length === MAX_MODELS) break;
    const file = await folder.file(path[3]);
    const layer = file && (await modelLayer(file));
    if (!layer) continue;
    const name = displayName(path);
    const blob = `sha256-${layer.digest}`;
    found.push({
      name,
      size: layer.size,
      integrity: blob,
      async files() {
        const bytes = await blobs.file(blob);
        if (!bytes) throw new DOMException(`${blob} is missing`, 'NotFoundError');
        return [new File([bytes], name, {lastModified: bytes.lastModified})];
      },
    });
  }
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

/** The files `depth` levels below: host, namespace, model, tag. */
async function* manifestsIn(
  folder: Folder,
  path: readonly string[],
  depth: number,
): AsyncGenerator<{path: string[]; folder: Folder}> {
  for (const {name, isFolder} of await folder.entries()) {
    const inside = isFolder && depth > 1 ? await folder.folder(name) : null;
    if (inside) yield* manifestsIn(inside, [...path, name], depth - 1);
    else if (!isFolder && depth === 1) yield {path: [...path, name], folder};
  }
}

/** The layer that holds the weights; null for anything that is no manifest. */
async function modelLayer(file: File): Promise<{digest: string; size: number} | null> {
  if (file.size > MAX_MANIFEST_BYTES) return null;
  try {
    const {layers} = JSON.parse(await file.text()) as {layers?: unknown};
    if (!Array.isArray(layers)) return null;
    const layer = (layers as ({mediaType?: unknown; digest?: unknown; size?: unknown} | null)[]).find(
      (each) => each?.mediaType === MODEL_LAYER,
    );
    const digest = DIGEST.exec(typeof layer?.digest === 'string' ? layer.digest : '')?.[1];
    const size = Number(layer?.size);
    return digest && Number.isSafeInteger(size) && size > 0 ? {digest, size} : null;
  } catch {
    return null;
  }
}

function displayName([host, namespace, model, tag]: readonly string[]): string {
  const home = host === HOME[0];
  const prefix = home && namespace === HOME[1] ? '' : home ? `${namespace}/` : `${host}/${namespace}/`;
  return `${prefix}${model}:${tag}`;
}

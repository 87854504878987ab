// A models folder as Ollama lays it out, in a temporary place, from bytes of our own.
import {createHash} from 'node:crypto';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';

export interface OllamaFolder {
  readonly folder: string;
  /** `name` as its path below manifests/: host/namespace/model/tag. Returns the blob's hash in hex. */
  add(name: string, bytes: Uint8Array): string;
  /** Puts any text where a manifest is expected. */
  addManifest(name: string, text: string): void;
  remove(): void;
}

/** A manifest as Ollama writes it, with the layers that stand round a model. */
export function ollamaManifest(digest: string, size: number): string {
  const layer = (kind: string, hash: string, bytes: number) => ({
    mediaType: `application/vnd.ollama.image.${kind}`,
    digest: `sha256:${hash}`,
    size: bytes,
  });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: {mediaType: 'application/vnd.docker.container.image.v1+json', digest: `sha256:${'0'.repeat(64)}`, size: 2},
    layers: [layer('license', '1'.repeat(64), 3), layer('model', digest, size), layer('params', '2'.repeat(64), 4)],
  });
}

export function ollamaFolder(): OllamaFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'gemma-chat-ollama-'));
  mkdirSync(path.join(folder, 'blobs'));
  const addManifest = (name: string, text: string): void => {
    const file = path.join(folder, 'manifests', name);
    mkdirSync(path.dirname(file), {recursive: true});
    writeFileSync(file, text);
  };
  return {
    folder,
    addManifest,
    add(name, bytes) {
      const digest = createHash('sha256').update(bytes).digest('hex');
      writeFileSync(path.join(folder, 'blobs', `sha256-${digest}`), bytes);
      addManifest(name, ollamaManifest(digest, bytes.length));
      return digest;
    },
    remove: () => rmSync(folder, {recursive: true, force: true}),
  };
}

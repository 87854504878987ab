import {expect} from 'chai';
import {type Folder, modelsIn, modelsOf} from '../../../src/element/model/files/ollama-folder.ts';
import {ollamaManifest} from '../../helpers/ollama-folder.ts';

type Tree = {[name: string]: Tree | File};

// Node 20 has File in node:buffer only.
before(async () => {
  (globalThis as {File?: unknown}).File ??= (await import('node:buffer')).File;
});

const file = (text: string, name = 'x') => new File([text], name);

function folderOf(name: string, tree: Tree): Folder {
  return {
    name,
    async folder(at) {
      const found = Object.hasOwn(tree, at) ? tree[at] : null;
      return found && !(found instanceof File) ? folderOf(at, found) : null;
    },
    async file(at) {
      const found = Object.hasOwn(tree, at) ? tree[at] : null;
      return found instanceof File ? found : null;
    },
    entries: async () => Object.entries(tree).map(([at, found]) => ({name: at, isFolder: !(found instanceof File)})),
  };
}

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const ollama = (): Tree => ({
  manifests: {
    'registry.ollama.ai': {
      library: {gemma4: {e2b: file(ollamaManifest(A, 4)), damaged: file('{'), other: file('{"layers":[null]}')}},
      someone: {theirs: {latest: file(ollamaManifest(B, 5))}},
    },
    'hf.co': {owner: {repo: {Q4_0: file(ollamaManifest(B, 5))}}},
  },
  blobs: {[`sha256-${A}`]: file('GGUF')},
});

describe('models in a folder', () => {
  for (const [title, tree] of [
    ['an Ollama’s models folder', ollama],
    ['the folder above it', () => ({models: ollama()})],
  ] as const) {
    it(`are found by their manifests in ${title}; what is none is left out`, async () => {
      const found = await modelsIn(folderOf('x', tree()));
      expect(found.map(({name, size, integrity}) => [name, size, integrity])).to.deep.equal([
        ['gemma4:e2b', 4, `sha256-${A}`],
        ['hf.co/owner/repo:Q4_0', 5, `sha256-${B}`],
        ['someone/theirs:latest', 5, `sha256-${B}`],
      ]);
      const [chosen] = await found[0].files();
      expect([chosen.name, await chosen.text()]).to.deep.equal(['gemma4:e2b', 'GGUF']);
      expect(await found[1].files().catch((error) => error.name)).to.equal('NotFoundError');
    });
  }

  it('never follow a manifest to a file of another name', async () => {
    const tree = ollama();
    const library = (tree.manifests as Tree)['registry.ollama.ai'] as Tree;
    library.library = {evil: {latest: file(ollamaManifest('../../secret', 4))}};
    expect((await modelsIn(folderOf('x', tree))).map(({name}) => name)).not.to.include('evil:latest');
  });

  it('are GGUF files where it is no Ollama’s, parts together', async () => {
    const names = ['m-00002-of-00002.gguf', 'm-00001-of-00002.gguf', 'other.gguf', 'readme.md'];
    const tree = Object.fromEntries(names.map((name) => [name, file('x', name)]));
    const found = await modelsIn(folderOf('x', tree));
    expect(found.map(({size}) => size)).to.deep.equal([2, 1]);
    expect(await found[0].files()).to.have.lengthOf(2);
    expect(await modelsIn(folderOf('x', {'readme.md': file('x')}))).to.deep.equal([]);
  });

  it('know the hash of a blob by its name', () => {
    const [blob] = modelsOf([file('x', `sha256-${A}`)]);
    expect(blob.integrity).to.equal(`sha256-${A}`);
    expect(modelsOf([file('x', 'sha256-short')])[0].integrity).to.equal(null);
  });
});

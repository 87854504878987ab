import {expect} from 'chai';
import {type WritableValue, writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import {generateModel} from '../../../scripts/model-files/model.ts';
import {planMemory} from '../../../src/engine/memory/memory-plan.ts';
import {readConfig} from '../../../src/engine/model/config.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';
import {ModelLibrary} from '../../../src/worker/model-library.ts';
import {splitModel} from '../../fixtures/split-model.ts';
import {FakeStore} from '../../helpers/fake-store.ts';
import {rejection} from '../store/rejection.ts';

const URL_OF = 'https://a.example/x/some%20model.gguf';
const gpu = {requestAdapter: async () => ({})} as unknown as GPU;

const library = (store: FakeStore, adapter: GPU | undefined = gpu) => new ModelLibrary(async () => store, adapter);
const header = (metadata: Record<string, WritableValue>) =>
  writeGguf({metadata: {'general.architecture': 'gemma4', ...metadata}});
const inspectHeader = (metadata: Record<string, WritableValue>) =>
  library(new FakeStore({[URL_OF]: {bytes: header(metadata)}})).inspect({url: URL_OF});

describe('the library', () => {
  it('tells what a model is and what of it is here', async () => {
    const bytes = generateModel({type: 'Q8_0'});
    const found = await library(new FakeStore({[URL_OF]: {bytes, storedBytes: 100}})).inspect({url: URL_OF});
    expect(found).to.include({
      architecture: 'gemma4',
      size: bytes.length,
      storedBytes: 100,
      storage: 'opfs',
      online: true,
      problem: null,
    });
    expect(found.storedIds).to.deep.equal([`id of ${URL_OF}`]);
    expect(found.memory.weightBytes).to.equal(bytes.length);
    expect(found.memory.contextBytes).to.be.above(0);
  });

  it('takes the file’s name where it has no other', async () => {
    expect(await inspectHeader({})).to.include({name: 'some model'});
    expect(await inspectHeader({'general.name': 'Gemma'})).to.include({name: 'Gemma'});
  });

  for (const [title, metadata, expected] of [
    [
      'a licence with a link',
      {'general.license': 'gemma', 'general.license.link': 'https://ai.google.dev/gemma/terms'},
      {name: 'gemma', link: 'https://ai.google.dev/gemma/terms'},
    ],
    [
      'a licence whose link is a script: as text',
      {'general.license.link': 'javascript:alert(1)'},
      {name: 'javascript:alert(1)', link: null},
    ],
    ['a name that is no text', {'general.license': 7}, {name: null, link: null}],
    ['a very long one', {'general.license': 'x'.repeat(5000)}, {name: 'x'.repeat(200), link: null}],
    ['none', {}, {name: null, link: null}],
  ] as const) {
    it(`shows ${title}`, async () => {
      expect((await inspectHeader(metadata)).license).to.deep.equal(expected);
    });
  }

  it('computes the memory of keys and values from the sizes of the layers', async () => {
    const sizes = {
      'gemma4.block_count': 4,
      'gemma4.context_length': 1000,
      'gemma4.attention.shared_kv_layers': 1,
      'gemma4.attention.head_count_kv': new Int32Array([2, 1, 1, 1]),
      'gemma4.attention.key_length': 64,
      'gemma4.attention.key_length_swa': 32,
      'gemma4.attention.sliding_window_pattern': [true, false, true, true],
    };
    const store = new FakeStore({[URL_OF]: {bytes: header(sizes)}});
    const {memory} = await library(store).inspect({url: URL_OF}, {contextLength: 10});
    // Keys and values, f32, of three layers: 2·32 + 1·64 + 1·32 values each; a page of 32 for each of 16 sequences.
    expect(memory.contextBytes).to.equal(16 * 32 * 4 * 2 * (64 + 64 + 32));
    for (const [key, value] of [
      ['gemma4.block_count', 2 ** 31],
      ['gemma4.attention.shared_kv_layers', {type: 'i32', value: -(2 ** 31)}],
      ['gemma4.attention.shared_kv_layers', {type: 'i64', value: -(2 ** 53 - 1)}],
      ['gemma4.attention.shared_kv_layers', 4],
      ['gemma4.attention.head_count_kv', -1],
      ['gemma4.attention.key_length', {type: 'u64', value: 2 ** 52}],
      ['gemma4.context_length', -7],
    ] as const) {
      const {memory} = await inspectHeader({...sizes, [key]: value});
      expect(memory.contextBytes, `${key} ${JSON.stringify(value)}`).to.equal(null);
    }
  });

  for (const shape of ['tiny', 'gemma3', 'gemma3n', 'gemma2'] as const) {
    it(`says of ${shape} what a load then takes for keys and values`, async () => {
      const bytes = generateModel({shape, type: 'Q8_0'});
      const {memory} = await library(new FakeStore({[URL_OF]: {bytes}})).inspect({url: URL_OF});
      const limits = {maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 31};
      const {gpu} = planMemory(readConfig(await readGguf(memorySource(bytes))), limits, {chunkSize: 512});
      expect(memory.contextBytes).to.equal(gpu.kv);
    });
  }

  for (const [title, metadata, adapter, code] of [
    ['an architecture that is not supported', {'general.architecture': 'llama'}, gpu, 'architecture-unsupported'],
    ['an adapter file', {'general.type': 'adapter'}, gpu, 'architecture-unsupported'],
    ['no WebGPU', {}, undefined, 'webgpu-missing'],
    ['no adapter', {}, {requestAdapter: async () => null} as unknown as GPU, 'adapter-missing'],
  ] as const) {
    it(`says beforehand that it will not run: ${title}`, async () => {
      const store = new FakeStore({[URL_OF]: {bytes: header(metadata)}});
      const found = await new ModelLibrary(async () => store, adapter).inspect({url: URL_OF});
      expect(found.problem?.code).to.equal(code);
    });
  }

  it('counts all parts of a split model, of the visitor’s too', async () => {
    const files = await splitModel(generateModel({type: 'Q8_0'}), 2);
    const size = files[0].length + files[1].length;
    const names = ['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf'];
    const [one, two] = names.map((name) => `https://a.example/${name}`);
    const store = new FakeStore({[one]: {bytes: files[0], storedBytes: files[0].length}, [two]: {bytes: files[1]}});
    const found = await library(store).inspect({url: one});
    expect(found).to.include({size, storedBytes: files[0].length, architecture: 'gemma4'});
    expect(found.storedIds).to.deep.equal([`id of ${one}`]);
    const chosen = names.map((name, i) => ({name, blob: new Blob([files[i] as BlobPart])})).reverse();
    expect(await library(store).inspect({files: chosen})).to.include({size, storedBytes: size, storage: 'file'});
  });

  describe('of a file that is here', () => {
    const bytes = generateModel({type: 'Q8_0'});
    const files = [{name: 'mine.gguf', blob: new Blob([bytes])}];
    const gpuOf = (maxBufferSize: number) =>
      ({
        requestAdapter: async () => ({
          info: {description: 'a GPU'},
          features: new Set(),
          limits: {maxBufferSize, maxStorageBufferBindingSize: maxBufferSize},
        }),
      }) as unknown as GPU;

    it('knows exactly what it needs, and that it fits', async () => {
      const found = await library(new FakeStore({}), gpuOf(2 ** 28)).inspect({files}, {contextLength: 64});
      expect(found.problem).to.equal(null);
      expect(found.memory.weightBytes).to.be.within(bytes.length / 2, bytes.length);
      expect(found.memory.contextBytes).to.be.above(0);
    });

    it('says that the GPU is too small, and what is wrong inside the header', async () => {
      const small = await library(new FakeStore({}), gpuOf(2 ** 15)).inspect({files});
      expect(small.problem?.code).to.equal('out-of-memory');
      const cut = [{name: 'cut.gguf', blob: new Blob([bytes.slice(0, bytes.length / 2)])}];
      expect((await library(new FakeStore({}), gpuOf(2 ** 28)).inspect({files: cut})).problem?.code).to.equal(
        'gguf-truncated',
      );
    });
  });

  it('suggests what to remove where there is too little room, and only there', async () => {
    const other = 'https://a.example/other.gguf';
    const store = new FakeStore({[URL_OF]: {bytes: header({})}, [other]: {bytes: new Uint8Array(9), storedBytes: 9}});
    store.free = 10;
    expect((await library(store).inspect({url: URL_OF})).removable.map(({url}) => url)).to.deep.equal([other]);
    store.free = 10_000;
    expect((await library(store).inspect({url: URL_OF})).removable).to.deep.equal([]);
  });

  it('refuses what is no model, and passes on what the server says', async () => {
    const store = new FakeStore({[URL_OF]: {bytes: Buffer.from('<!doctype html>')}});
    expect(await rejection(library(store).inspect({url: URL_OF}))).to.include({code: 'not-gguf'});
    expect(await rejection(library(store).inspect({url: 'https://a.example/no'}))).to.include({code: 'http-status'});
  });
});

// What a page may name a model by, and the questions that need no loaded model, over a real session.
import {expect} from 'chai';
import {generateModel} from '../../../scripts/model-files/model.ts';
import {modelRef} from '../../../src/client/model-src.ts';
import {inspect, storedModels} from '../../../src/client/models.ts';
import {parseRequest} from '../../../src/protocol/parse-request.ts';
import {FakeStore} from '../../helpers/fake-store.ts';
import {closePorts, FakeWorker, rejection} from '../../helpers/fake-worker.ts';

const BASE = 'https://site.example/page/';

/** What a page names, as the worker's sessions get it. */
function received(src: string): unknown {
  const request = parseRequest({type: 'load', id: 1, model: modelRef(src, BASE)});
  if (request?.type === 'bad') throw request.error;
  return request?.type === 'load' && request.model;
}

describe('modelSrc', () => {
  for (const [src, url] of [
    ['m.gguf', 'https://site.example/page/m.gguf'],
    ['http://localhost:11435/gemma4:e2b#top', 'http://localhost:11435/gemma4:e2b'],
    ['hf:google/gemma-4/m.gguf', 'https://huggingface.co/google/gemma-4/resolve/main/m.gguf'],
    ['hf:a/b/sub/m Q4_0.gguf@v1.0', 'https://huggingface.co/a/b/resolve/v1.0/sub/m%20Q4_0.gguf'],
    ['HF:a/b/m.GGUF@refs/pr/1', 'https://huggingface.co/a/b/resolve/refs%2Fpr%2F1/m.GGUF'],
  ]) {
    it(`takes ${src}`, () => {
      expect(received(src)).to.deep.equal({url});
    });
  }

  for (const src of [
    'hf:',
    'hf:a/b',
    'hf:a/m.gguf',
    'hf:a/b/m.bin',
    'hf:a/b/../../c/d/m.gguf',
    'hf:../b/m.gguf',
    'hf:a/b/m.gguf@',
    'hf:a/b/m.gguf@../../x',
    'hf:a/b/m.gguf@x@y',
    'hf:a/b/m.gguf?token=1',
    'hf:a/b/%2e%2e/m.gguf',
    'hf:a\\b/c/m.gguf',
    'hf:evil.example:80/b/m.gguf',
    'http://[',
  ]) {
    it(`refuses ${src}`, () => {
      expect(() => received(src))
        .to.throw()
        .with.property('code', 'option-invalid');
    });
  }

  it('takes files, one or all parts of a model', () => {
    const blob = new Blob(['x']);
    const file = Object.assign(new Blob(['y']), {name: 'y.gguf'});
    expect(modelRef(blob, BASE)).to.deep.equal({files: [{blob, name: 'the given Blob'}]});
    expect(modelRef([file, blob], BASE, 'sha256-x')).to.deep.equal({
      files: [
        {blob: file, name: 'y.gguf'},
        {blob, name: 'the given Blob'},
      ],
      integrity: 'sha256-x',
    });
  });
});

describe('GemmaClient.inspect and GemmaClient.models', () => {
  afterEach(closePorts);
  const model = 'https://site.example/page/model.gguf';
  const stored = () => new FakeStore({[model]: {bytes: generateModel({type: 'F32'}), storedBytes: 7}});

  it('asks about a model and holds no connection', async () => {
    const worker = new FakeWorker({store: stored()});
    const found = await inspect({modelSrc: 'model.gguf', workerSrc: '/w.js'}, worker.platform());
    expect([found.storedBytes, found.problem?.code]).to.deep.equal([7, 'webgpu-missing']);
    await new Promise((resolve) => setTimeout(resolve));
    expect(worker.context.sessions.size).to.equal(0);
    expect(worker.models).to.have.lengthOf(0);
  });

  it('lists and removes', async () => {
    const worker = new FakeWorker({store: stored()});
    const models = storedModels(() => worker.platform());
    const options = {workerSrc: '/w.js'};
    const {models: list, usage} = await models.list(options);
    expect([list[0].url, list[0].storedBytes, list[0].complete, usage]).to.deep.equal([model, 7, false, 10]);
    await models.remove(list[0].id, options);
    expect((await models.list(options)).models).to.deep.equal([]);
    await models.removeAll(options);
  });

  it('refuses what it does not know', async () => {
    const platform = new FakeWorker().platform();
    expect((await rejection(inspect({modelSrc: []}, platform))).code).to.equal('option-invalid');
    expect((await rejection(inspect({modelSrc: 'x', integrity: 'md5-x'}, platform))).code).to.equal('option-invalid');
    expect((await rejection(inspect({modelSrc: 'x', beam: 1} as never, platform))).code).to.equal('option-unknown');
    const models = storedModels(() => platform);
    expect((await rejection(models.list({all: true} as never))).code).to.equal('option-unknown');
    expect((await rejection(models.remove(''))).code).to.equal('option-invalid');
  });
});

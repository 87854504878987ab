// GemmaEmbeddings over a real session: what is asked, how often a model is loaded, and what comes back of failures.
import {expect} from 'chai';
import {type EmbeddingParams, GemmaEmbeddings} from '../../../src/client/embeddings.ts';
import {GemmaError} from '../../../src/errors.ts';
import type {LoadProgress} from '../../../src/protocol/messages.ts';
import type {LoadedEncoder} from '../../../src/worker/load-encoder-model.ts';
import {closePorts, FakeWorker, type FakeWorkerOptions, rejection} from '../../helpers/fake-worker.ts';

type Load = NonNullable<FakeWorkerOptions['loadEncoder']>;

/** A model whose vectors tell the length of the text, and what was done with it. */
function scene(given: {load?: Load; takes?: number} = {}) {
  const loads: string[] = [];
  const texts: string[] = [];
  let destroyed = 0;
  let lose!: (error: GemmaError) => void;
  const load: Load = async (ref, _store, {onProgress}) => {
    loads.push('url' in ref ? ref.url : ref.files[0].name);
    onProgress?.({phase: 'ready', fraction: 1, loadedBytes: 9, totalBytes: 9});
    const lost = new Promise<GemmaError>((resolve) => {
      lose = resolve;
    });
    const encoder: LoadedEncoder = {
      lost,
      async embed(list, signal) {
        await new Promise((resolve) => setTimeout(resolve, given.takes ?? 5));
        signal.throwIfAborted();
        texts.push(...list);
        return {vectors: list.map((text) => Float32Array.of(0.6, 0.8, 0, text.length)), tokens: 3 * list.length};
      },
      destroy: () => {
        destroyed += 1;
      },
    };
    return encoder;
  };
  const worker = new FakeWorker({loadEncoder: given.load ?? load});
  const open = (modelSrc: string | Blob = '/embed.gguf', onProgress?: (progress: LoadProgress) => void) =>
    new GemmaEmbeddings({modelSrc, workerSrc: '/gemma-chat.worker.js', onProgress}, worker.platform());
  return {
    worker,
    open,
    loads,
    texts,
    destroyed: () => destroyed,
    lose: () => lose(new GemmaError('device-lost', 'gone')),
  };
}

describe('GemmaEmbeddings', () => {
  after(closePorts);

  it('answers in OpenAI’s shape', async () => {
    const {open, loads} = scene();
    const phases: string[] = [];
    const embeddings = open('/embed.gguf', ({phase}) => phases.push(phase));
    const {data, usage, object, model} = await embeddings.create({input: ['a', 'bcd'], model: 'any'});
    expect(object).to.equal('list');
    expect(model).to.match(/\/embed\.gguf$/);
    expect(data.map(({index, object, embedding}) => [index, object, embedding.at(-1)])).to.deep.equal([
      [0, 'embedding', 1],
      [1, 'embedding', 3],
    ]);
    expect(usage).to.deep.equal({prompt_tokens: 6, total_tokens: 6});
    expect(phases).to.deep.equal(['ready']);
    await embeddings.create({input: 'again'});
    expect(loads).to.have.length(1);
  });

  it('writes what a text is for before it', async () => {
    const {open, texts} = scene();
    for (const task of ['query', 'document', 'clustering', 'none'] as const) await open().create({input: 'x', task});
    expect(texts).to.deep.equal([
      'task: search result | query: x',
      'title: none | text: x',
      'task: clustering | query: x',
      'x',
    ]);
  });

  it('cuts a vector to its first numbers, of length one again', async () => {
    const {open} = scene();
    const {data} = await open().create({input: 'x', dimensions: 2});
    expect(Array.from(data[0].embedding, (value) => Math.round(value * 10))).to.deep.equal([6, 8]);
    expect((await rejection(open().create({input: 'x', dimensions: 5}))).message).to.match(
      /dimensions is 5; expected at most 4/,
    );
  });

  it('gives base64 of the bytes where it is asked for', async () => {
    const {open} = scene();
    const {data} = await open().create({input: 'xy', encoding_format: 'base64'});
    const bytes = Uint8Array.from(atob(data[0].embedding), (letter) => letter.charCodeAt(0));
    expect([...new Float32Array(bytes.buffer)]).to.deep.equal([Math.fround(0.6), Math.fround(0.8), 0, 2]);
  });

  for (const [what, params] of [
    ['no input', {}],
    ['an empty list', {input: []}],
    ['a number', {input: [1]}],
    ['a task of its own', {input: 'x', task: 'poem'}],
    ['no dimensions', {input: 'x', dimensions: 0}],
    ['another format', {input: 'x', encoding_format: 'int8'}],
    ['an option that is none', {input: 'x', colour: 1}],
  ] as const) {
    it(`refuses ${what} before anything is loaded`, async () => {
      const {open, loads} = scene();
      const {code} = await rejection(open().create(params as unknown as EmbeddingParams & {encoding_format: 'float'}));
      expect(code).to.be.oneOf(['option-invalid', 'option-unknown']);
      expect(loads).to.deep.equal([]);
    });
  }

  it('refuses more texts than OpenAI takes', async () => {
    const {open} = scene();
    const input = Array.from({length: 2049}, () => 'x');
    expect((await rejection(open().create({input}))).code).to.equal('option-invalid');
  });

  it('is one model for all clients, and is given up when it has not been asked for a while', async () => {
    const {open, loads, destroyed} = scene();
    await Promise.all([open().create({input: 'a'}), open().create({input: 'b'}), open().create({input: 'c'})]);
    expect([loads.length, destroyed()]).to.deep.equal([1, 0]);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(destroyed()).to.equal(1);
    await open().create({input: 'd'});
    expect(loads).to.have.length(2);
  });

  it('takes another model when the one that is there is not in use, and says so when it is', async () => {
    const {open, loads, destroyed} = scene({takes: 100});
    const running = open('/one.gguf').create({input: 'a'});
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = open('/two.gguf');
    expect((await rejection(second.create({input: 'b'}))).code).to.equal('model-in-use');
    await running;
    await second.create({input: 'b'});
    expect(loads.map((url) => url.split('/').at(-1))).to.deep.equal(['one.gguf', 'two.gguf']);
    expect(destroyed()).to.equal(1);
  });

  it('loads again after a lost device, and after a load that failed', async () => {
    const {open, loads, lose} = scene();
    const embeddings = open();
    await embeddings.create({input: 'a'});
    lose();
    await embeddings.create({input: 'b'});
    expect(loads).to.have.length(2);

    let times = 0;
    const failing = scene({
      load: async () => {
        times += 1;
        throw new GemmaError('tensor-missing', 'no dense layers');
      },
    });
    for (const n of [1, 2]) {
      expect((await rejection(failing.open().create({input: 'a'}))).code).to.equal('tensor-missing');
      expect(times).to.equal(n);
    }
  });

  it('stops waiting at once, and stops a load that no one else waits for', async () => {
    let stopped = 0;
    const {open} = scene({
      load: (_ref, _store, {signal}) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            stopped += 1;
            reject(signal.reason);
          });
        }),
    });
    const abort = new AbortController();
    const waiting = open().create({input: 'a', signal: abort.signal});
    setTimeout(() => abort.abort(), 5);
    expect((await waiting.catch((error: unknown) => error)) as Error).to.have.property('name', 'AbortError');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(stopped).to.equal(1);
  });
});

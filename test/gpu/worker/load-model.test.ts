// A generated file of every architecture through the worker's own load, and a chat with it through the real client and
// the real sessions: prompt by the file's template, every answered token the one that the float64 reference would choose.
import {expect} from 'chai';
import {findGpu} from '../../../scripts/lib/gpu.ts';
import {writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import {fill, modelMetadata, planTensors, SHAPES, type ShapeName} from '../../../scripts/model-files/model.ts';
import {renderToTokens} from '../../../src/chat/template.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import type {ChatMessage} from '../../../src/protocol/messages.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';
import {createTokenizer} from '../../../src/tokenizer/create-tokenizer.ts';
import {loadModel} from '../../../src/worker/load-model.ts';
import {createTemplate} from '../../helpers/chat-template.ts';
import {FakeStore} from '../../helpers/fake-store.ts';
import {closePorts, FakeWorker, rejection} from '../../helpers/fake-worker.ts';
import {findAdapter} from '../../helpers/gpu.ts';
import {ReferenceModel} from '../../reference/forward.ts';

const MESSAGES: ChatMessage[] = [
  {role: 'system', content: 'Answer in a word.'},
  {role: 'user', content: 'Does the page read a model?'},
  {role: 'assistant', content: 'Yes'},
  {role: 'user', content: 'How many tabs?'},
];

/** A file of this shape, perhaps without its template or with more tokens than rows. */
function modelFile(name: ShapeName, changes: {template?: false; extraTokens?: number} = {}): Uint8Array<ArrayBuffer> {
  const shape = SHAPES[name];
  const {'tokenizer.chat_template': template, ...rest} = modelMetadata(shape, 'Q8_0', name, 1);
  const longer = {...shape, vocabSize: shape.vocabSize + (changes.extraTokens ?? 0)};
  const tokens = Object.entries(modelMetadata(longer, 'Q8_0', name, 1)).filter(([key]) =>
    /^tokenizer\.ggml\.(tokens|scores|token_type)$/.test(key),
  );
  const metadata = {...rest, ...Object.fromEntries(tokens)};
  return new Uint8Array(
    writeGguf({
      metadata: changes.template === false ? metadata : {...metadata, 'tokenizer.chat_template': template},
      tensors: planTensors(shape, 'Q8_0').map((plan) => fill(plan, 1)),
    }),
  );
}

const loadBytes = (bytes: Uint8Array<ArrayBuffer>) =>
  new FakeWorker({
    load: (ref, options) => loadModel(ref, Promise.resolve(new FakeStore({})), options),
  }).load({modelSrc: new Blob([bytes]), contextLength: 128});

describe('loadModel', function () {
  this.timeout(120_000); // a software adapter

  before(async function () {
    if (!(await findAdapter())) this.skip();
    // Node has no navigator; the worker asks it for the GPU.
    Object.defineProperty(globalThis, 'navigator', {value: {gpu: await findGpu()}, configurable: true});
  });
  after(() => {
    Reflect.deleteProperty(globalThis, 'navigator');
  });
  afterEach(closePorts);

  for (const name of ['gemma3', 'gemma3n', 'gemma2', 'gemma'] as const) {
    it(`loads ${name} and chats with it`, async () => {
      const bytes = modelFile(name);
      const client = await loadBytes(bytes);
      try {
        expect(client.model).to.include({architecture: name, vocabSize: SHAPES[name].vocabSize, contextLength: 128});
        const source = memorySource(bytes);
        const file = await readGguf(source);
        const tokenizer = createTokenizer(file.metadata);
        const prompt = renderToTokens(tokenizer, createTemplate(tokenizer), MESSAGES);
        const reference = await ReferenceModel.load(source, file);

        const answer = await client.chat.completions.create({
          messages: MESSAGES,
          max_tokens: 3,
          temperature: 0,
          logprobs: true,
          top_logprobs: 1,
        });
        expect(answer.usage.prompt_tokens).to.equal(prompt.length);
        const tokens = [...prompt];
        for (const {token} of answer.choices[0].logprobs!.content) {
          const [row] = reference.logits(tokens, {from: tokens.length - 1});
          const best = row.indexOf(Math.max(...row));
          expect(token).to.equal(tokenizer.decode([best], {special: true}));
          tokens.push(best);
        }
      } finally {
        client.close();
      }
    });
  }

  it('keeps the file open where per-layer embeddings stay in it, until the model goes', async () => {
    const url = 'https://example.test/model.gguf';
    const logitsOf = async (perLayerEmbeddings: 'gpu' | 'host') => {
      const store = new FakeStore({[url]: {bytes: modelFile('gemma3n')}});
      const model = await loadModel({url}, Promise.resolve(store), {
        contextLength: 64,
        perLayerEmbeddings,
        onProgress: () => {},
        signal: new AbortController().signal,
      });
      const [file] = store.opened;
      expect(file.closed).to.equal(perLayerEmbeddings === 'gpu');
      const {engine} = model;
      const [[row]] = await engine.step([{sequence: engine.createSequence(), tokens: [2, 9, 300], logits: 'last'}]);
      model.destroy();
      expect([file.settled, file.closed]).to.deep.equal([true, true]);
      return row;
    };
    expect(await logitsOf('host')).to.deep.equal(await logitsOf('gpu'));
  });

  it('takes Gemma 3’s form where a file has no template, per-layer embeddings or not', async () => {
    for (const name of ['gemma3', 'gemma3n'] as const) {
      const client = await loadBytes(modelFile(name, {template: false}));
      try {
        expect(await client.applyTemplate(MESSAGES)).to.equal(
          '<bos><start_of_turn>user\nAnswer in a word.\n\nDoes the page read a model?<end_of_turn>\n' +
            '<start_of_turn>model\nYes<end_of_turn>\n<start_of_turn>user\nHow many tabs?<end_of_turn>\n<start_of_turn>model\n',
        );
      } finally {
        client.close();
      }
    }
  });

  it('leaves out tokens that the embedding has no rows for, as placeholders of images', async () => {
    const client = await loadBytes(modelFile('gemma3', {extraTokens: 3}));
    try {
      expect(client.model.vocabSize).to.equal(SHAPES.gemma3.vocabSize);
    } finally {
      client.close();
    }
  });

  it('refuses a tokenizer of another model', async () => {
    const error = await rejection(loadBytes(modelFile('gemma3', {extraTokens: 513})));
    expect(error.code).to.equal('tokenizer-invalid');
    expect(error.message).to.match(/1281 tokens, the model's embedding 768 rows/);
  });
});

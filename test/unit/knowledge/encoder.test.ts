// The small encoder against Hugging Face transformers: its tokens, its vectors with whole weights (as the command makes them)
// and with 4 bits (as a visitor's worker does), and what it does with files that are not what they say.
import {createHash} from 'node:crypto';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {gunzipSync} from 'node:zlib';
import {expect} from 'chai';
import {GemmaError} from '../../../src/errors.ts';
import {bertEncoder} from '../../../src/indexer/bert-encoder.ts';
import {type BertModel, BertVectors, readBertModel} from '../../../src/indexer/bert-model.ts';
import {SimdProducts} from '../../../src/indexer/simd.ts';
import {type IndexReport, indexSite} from '../../../src/indexer/site-index.ts';
import {readEncoderInfo, writeEncoderInfo} from '../../../src/knowledge/encoder/files.ts';
import {Packed, PackedProduct, pack} from '../../../src/knowledge/encoder/packed.ts';
import {QuestionEncoder} from '../../../src/knowledge/encoder/question-encoder.ts';
import {WordPiece} from '../../../src/knowledge/encoder/wordpiece.ts';
import {KnowledgeFailure} from '../../../src/knowledge/failure.ts';
import {fileName} from '../../../src/knowledge/format.ts';
import {IndexFiles} from '../../../src/knowledge/index-files.ts';
import {bestByWords, nearness, rank} from '../../../src/knowledge/rank.ts';
import {SiteSearch} from '../../../src/knowledge/search.ts';
import {quantize, readVectorBlock, readVectorInfo, Vectors, writeVectorBlock} from '../../../src/knowledge/vectors.ts';

interface Golden {
  config: Record<string, unknown>;
  vocabulary: string[];
  tensors: Record<string, number[]>;
  cases: {text: string; ids: number[]; vector: number[]}[];
}
const golden: Golden = JSON.parse(readFileSync('test/fixtures/golden/bert-tiny.json', 'utf8'));

/** The weights that bert_tiny.py made: every tensor by its place among the names. */
function weights(seed: number, count: number): Float32Array {
  let state = seed;
  return Float32Array.from({length: count}, () => {
    state = Number((BigInt(state) * 1664525n + 1013904223n) % 2n ** 32n);
    return (state / 2 ** 32 - 0.5) * 0.5;
  });
}

function safetensors(
  change: (name: string, entry: {dtype: string; data_offsets: number[]}) => void = () => {},
): Buffer {
  const parts: Float32Array[] = [];
  const header: Record<string, unknown> = {};
  let at = 0;
  Object.entries(golden.tensors).forEach(([name, shape], i) => {
    const values = weights(
      i + 1,
      shape.reduce((product, size) => product * size, 1),
    );
    const entry = {dtype: 'F32', shape, data_offsets: [at, at + 4 * values.length]};
    at += 4 * values.length;
    change(name, entry);
    header[name] = entry;
    parts.push(values);
  });
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts.map((values) => Buffer.from(values.buffer))]);
}

const root = mkdtempSync(path.join(tmpdir(), 'gemma-chat-encoder-'));
after(() => rmSync(root, {recursive: true}));
let folders = 0;
function modelFolder(files: Record<string, string | Buffer> = {}): string {
  const folder = path.join(root, String(++folders));
  mkdirSync(folder);
  const whole: Record<string, string | Buffer> = {
    'config.json': JSON.stringify(golden.config),
    'vocab.txt': `${golden.vocabulary.join('\n')}\n`,
    'model.safetensors': safetensors(),
    'README.md': '---\nlicense: apache-2.0\n---\n# tiny\n',
    ...files,
  };
  for (const [name, content] of Object.entries(whole)) writeFileSync(path.join(folder, name), content);
  return folder;
}

const failure = async (work: () => unknown): Promise<KnowledgeFailure | GemmaError> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof KnowledgeFailure || error instanceof GemmaError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** The files of the model's encoder in an index. */
function stored(model: BertModel): {files: Map<string, Uint8Array>; name: string} {
  const files = new Map<string, Uint8Array>();
  const name = bertEncoder(model, '').addFiles((bytes) => {
    const name = fileName(Uint8Array.from({length: 32}, (_, i) => (files.size >> (8 * (i % 4))) & 255));
    files.set(name, bytes);
    return name;
  });
  return {files, name: name!};
}

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);

describe('the small encoder', () => {
  it('cuts text into the tokens of transformers', () => {
    const tokens = new WordPiece(golden.vocabulary);
    for (const {text, ids} of golden.cases) expect(tokens.encode(text, 24), text).to.deep.equal(ids);
    expect(tokens.encode('a'.repeat(1e6), 24)).to.deep.equal([2, 1, 3]);
  });

  it('makes the vectors of transformers, and with 4-bit weights nearly', async () => {
    const model = await readBertModel(modelFolder());
    expect(model).to.include({name: 'tiny', license: 'apache-2.0'});
    const {files, name} = stored(model);
    const questions = await QuestionEncoder.open(name, async (file) => files.get(file)!);
    const vectors = new BertVectors(model);
    for (const {text, vector} of golden.cases) {
      const whole = vectors.vector(text);
      // f32 sums in another order; the golden numbers have seven digits.
      whole.forEach((value, i) => {
        expect(value, text).to.be.closeTo(vector[i], 3e-6);
      });
      // Measured: 0.9995.
      expect(cosine(await questions.vector(text), vector), text).to.be.above(0.999);
    }
  });

  it('makes the same vectors in threads, in order, and ends with them', async () => {
    const folder = modelFolder();
    const model = await readBertModel(folder);
    const encoder = bertEncoder(model, folder, 2);
    const passages = Array.from({length: 70}, (_, i) => ({
      title: 'Page',
      headings: [],
      text: `branch ${'commit '.repeat(i % 9)}`,
    }));
    const vectors = await encoder.embed(passages);
    await encoder.destroy();
    const alone = new BertVectors(model);
    vectors.forEach((vector, i) => {
      expect(vector).to.deep.equal(alone.vector(`Page\n${passages[i].text}`));
    });
    const gone = bertEncoder(model, path.join(root, 'nowhere'), 2);
    expect((await gone.embed(passages).catch((error) => error)).message).to.contain('cannot be read');
    await gone.destroy();
  });

  it('multiplies packed matrices as unpacked ones, for any number of rows', () => {
    const [nOut, nIn] = [8, 64];
    const packed = new Packed(pack(weights(3, nOut * nIn), nOut, nIn), nOut, nIn);
    const rows = Float32Array.from({length: nOut * nIn});
    for (let o = 0; o < nOut; o++) packed.row(o, rows.subarray(o * nIn, (o + 1) * nIn));
    const bias = weights(4, nOut);
    for (const nRows of [1, 4, 7]) {
      const x = weights(5, nRows * nIn);
      const y = new Float32Array(nRows * nOut);
      const simd = new Float32Array(nRows * nOut);
      new PackedProduct(packed, bias).multiply(x, nRows, y);
      new SimdProducts().product(rows, bias, nIn).multiply(x, nRows, simd);
      for (let t = 0; t < nRows; t++) {
        for (let o = 0; o < nOut; o++) {
          const sum = bias[o] + cosine(x.subarray(t * nIn, (t + 1) * nIn), rows.subarray(o * nIn, (o + 1) * nIn));
          expect(y[t * nOut + o]).to.be.closeTo(sum, 1e-6);
          expect(simd[t * nOut + o]).to.be.closeTo(sum, 1e-6);
        }
      }
    }
  });

  it('refuses folders that are no such model, and says why', async () => {
    const cases: [Record<string, string | Buffer>, RegExp][] = [
      [{'config.json': '{}'}, /undefined/],
      [{'config.json': JSON.stringify({...golden.config, num_hidden_layers: 1e9})}, /nLayer/],
      [{'config.json': JSON.stringify({...golden.config, num_attention_heads: 7})}, /nHead/],
      [{'vocab.txt': '[PAD]\n'}, /1 lines/],
      [{'model.safetensors': Buffer.alloc(4)}, /damaged/],
      [{'model.safetensors': Buffer.from('ffffffffffffff7f00', 'hex')}, /damaged/],
      [{'model.safetensors': safetensors((_, entry) => (entry.dtype = 'F16'))}, /F16/],
      [{'model.safetensors': safetensors((_, entry) => (entry.data_offsets = [2 ** 40, 2 ** 40 + 4096]))}, /size/],
    ];
    for (const [files, message] of cases) {
      const error = await failure(() => readBertModel(modelFolder(files)));
      expect(error.code).to.equal('option-invalid');
      expect(error.message).to.match(message);
    }
  });

  it('refuses files of an index that are not what its shape says', async () => {
    const {files, name} = stored(await readBertModel(modelFolder()));
    const open = (change: (name: string, bytes: Uint8Array) => Uint8Array) =>
      QuestionEncoder.open(name, async (file) => change(file, files.get(file)!)).then((each) => each.vector('how'));
    const info = readEncoderInfo(files.get(name)!);
    const others = [info.vocabulary, info.input, info.layers[1], info.words[0], info.words[2]];
    for (const other of others) {
      const error = await failure(() => open((file, bytes) => (file === other ? bytes.subarray(40) : bytes)));
      expect(error.code, other).to.equal('knowledge-invalid');
    }
    const wrong = [
      {pieces: 2 ** 31},
      {layers: []},
      {words: ['../secret']},
      {shape: {...info.shape, nFf: 2 ** 30}},
      {shape: null},
    ];
    for (const each of wrong) {
      const bytes = writeEncoderInfo({...info, ...each} as never);
      expect((await failure(() => readEncoderInfo(bytes))).code).to.equal('knowledge-invalid');
    }
    expect((await failure(() => readEncoderInfo(new Uint8Array([1])))).code).to.equal('knowledge-invalid');
  });
});

describe('vectors of passages', () => {
  it('come back from their block with their direction', () => {
    const vector = weights(1, 64);
    const block = writeVectorBlock([
      [4, quantize(vector)],
      [9, quantize(vector.map((value) => -value))],
    ]);
    const length = Math.sqrt(cosine(vector, vector));
    const near = [...new Vectors(64, readVectorBlock(block, 64, 10)).near(vector.map((value) => value / length))];
    expect(near.map(({passage}) => passage)).to.deep.equal([4, 9]);
    // Half a step of 127 at each of 64 numbers.
    expect(near[0].cosine).to.be.closeTo(1, 1e-4);
    expect(near[1].cosine).to.be.closeTo(-1, 1e-4);
  });

  it('are refused where counts and sizes do not fit', async () => {
    const block = writeVectorBlock([[4, new Int8Array(64)]]);
    const twice = writeVectorBlock([
      [4, new Int8Array(64)],
      [4, new Int8Array(64)],
    ]);
    for (const bytes of [block.subarray(1), new Uint8Array([...block, 0]), twice]) {
      expect((await failure(() => readVectorBlock(bytes, 64, 10))).code).to.equal('knowledge-invalid');
    }
    expect((await failure(() => readVectorBlock(block, 64, 4))).code).to.equal('knowledge-invalid');
    const info = {model: 'tiny', dimensions: 64, prefix: '', blocks: [{first: 0, file: `${'0'.repeat(24)}.bin`}]};
    expect(readVectorInfo(info, 10)).to.deep.equal(info);
    const wrong: [unknown, number][] = [
      [null, 1],
      [{...info, dimensions: 1e9}, 1],
      [info, 2 ** 30],
      [{...info, blocks: [{first: 0, file: '../secret'}]}, 1],
      [{...info, encoder: 'https://evil.test/'}, 1],
      [{...info, model: 'x'.repeat(1000)}, 1],
    ];
    for (const [value, passages] of wrong) {
      expect((await failure(() => readVectorInfo(value, passages))).code).to.equal('knowledge-invalid');
    }
  });

  it('add passages that share no word with the question, and leave an order by words alone as it is', () => {
    const entry = {
      passages: 2,
      postings: [
        {passage: 1, impact: 31},
        {passage: 2, impact: 10},
      ],
    };
    const terms = [{entry, weight: 2}];
    const pageOf = (passage: number): number => Math.min(passage, 3);
    expect(rank(terms, null, pageOf).map(({passage, score}) => [passage, score])).to.deep.equal([
      [1, 2],
      [2, 20 / 31],
    ]);
    const cosines = new Map([
      [0, 0],
      [1, 0.1],
      [2, 0.2],
      [3, 0.8],
    ]);
    expect(rank(terms, cosines, pageOf).map(({passage}) => passage)).to.deep.equal([3, 1, 2, 0]);
    // Passage 1 is a little better by itself; 4 and 5 are good too, and on the page of 3.
    const close = new Map([...cosines, [1, 0.62], [4, 0.7], [5, 0.7]] as [number, number][]);
    expect(rank(terms, close, (passage) => passage)[0].passage).to.equal(1);
    expect(rank(terms, close, pageOf)[0].passage).to.equal(3);
  });

  it('tell how much nearer the nearest is, and which are best by words', () => {
    expect(
      nearness(
        new Map([
          [1, 0.5],
          [2, 0.1],
          [3, 0],
        ]),
      ),
    ).to.be.closeTo(0.3, 1e-9);
    expect(nearness(new Map())).to.equal(0);
    const ranked = [3, 9, 1, 7, 9].map((words, passage) => ({passage, words, score: 0, share: 0, cosine: 0}));
    expect(bestByWords(ranked, 3).map(({passage}) => passage)).to.deep.equal([1, 4, 3]);
  });
});

describe('an index with vectors', () => {
  const site = path.join(root, 'site');
  const out = path.join(site, 'knowledge');
  const text = (subject: string): string => `${subject} is described here at some length. `.repeat(12);
  let model: string;
  let report: IndexReport;
  before(async () => {
    model = modelFolder({LICENSE: 'Apache License'});
    mkdirSync(site);
    writeFileSync(path.join(site, 'a.html'), `<title>Branches</title><main><p>${text('A branch')}</p></main>`);
    writeFileSync(path.join(site, 'b.html'), `<title>Commits</title><main><p>${text('A commit')}</p></main>`);
    report = await indexSite({folder: site, vectors: model});
  });

  /** Files that `hidden` names are not there. */
  const open = (hidden: (name: string) => boolean = () => false) =>
    SiteSearch.open(
      new IndexFiles('https://site.test/knowledge/', {
        fetch: async (url) => {
          const name = path.basename(url);
          return hidden(name) ? new Response('', {status: 404}) : new Response(readFileSync(path.join(out, name)));
        },
        caches: null,
        sha256: async (bytes) => createHash('sha256').update(bytes).digest(),
      }),
    );

  it('says which model it has and under which licence, and embeds no passage twice', async () => {
    expect(report.vectors).to.deep.equal({model: 'tiny', license: 'apache-2.0', reused: 0});
    const notice = readFileSync(path.join(out, 'encoder-notice.txt'), 'utf8');
    expect(notice).to.match(/tiny[\s\S]*SHA-256 [0-9a-f]{64}[\s\S]*4 bits[\s\S]*apache-2\.0[\s\S]*Apache License/);
    const again = await indexSite({folder: site, vectors: model});
    expect(again).to.include({written: 0, removed: 0});
    expect(again.vectors?.reused).to.equal(again.passages);
    writeFileSync(path.join(site, 'b.html'), `<title>Commits</title><main><p>${text('One commit')}</p></main>`);
    expect((await indexSite({folder: site, vectors: model})).vectors?.reused).to.equal(again.passages - 1);
  });

  it('finds by words alone at first, then what shares no word with the question too', async () => {
    const search = await open();
    expect((await search.search('undo zebra')).passages).to.deep.equal([]);
    await search.loadMeaning();
    const {passages} = await search.search('undo zebra');
    expect(passages.map(({title}) => title).sort()).to.deep.equal(['Branches', 'Commits']);
  });

  it('finds by words alone where a file of the encoder is not there', async () => {
    const {vectors} = JSON.parse(readFileSync(path.join(out, 'manifest.json'), 'utf8'));
    const whole = await open((name) => name === vectors.encoder);
    expect((await failure(() => whole.loadMeaning())).code).to.equal('http-status');
    expect((await whole.search('branch')).passages[0].title).to.equal('Branches');
    const info = readEncoderInfo(gunzipSync(readFileSync(path.join(out, vectors.encoder))));
    const part = await open((name) => info.words.slice(1).includes(name));
    await part.loadMeaning();
    expect((await part.search('branch')).passages[0].title).to.equal('Branches');
  });

  it('is without them again when it is made without', async () => {
    const {vectors, removed} = await indexSite({folder: site});
    expect(vectors).to.equal(undefined);
    expect(removed).to.be.above(4);
    expect(readdirSync(out)).not.to.include('encoder-notice.txt');
  });
});

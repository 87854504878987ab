import {expect} from 'chai';
import {EMBEDDING_SHAPES} from '../../../../scripts/model-files/dense-shapes.ts';
import {EMBEDDING2_SHAPE} from '../../../../scripts/model-files/embedding2.ts';
import {SHAPES} from '../../../../scripts/model-files/model.ts';
import {isEncoder, readEncoderConfig} from '../../../../src/engine/model/encoders.ts';
import type {GgufFile} from '../../../../src/gguf/gguf-file.ts';
import {type Changes, changedHeader} from '../../../helpers/changed-header.ts';

const SHAPE = EMBEDDING_SHAPES['gemma-embedding'];
const headerOf = (changes?: Changes) => changedHeader(SHAPE, changes);

function codeOf(read: () => unknown): string {
  try {
    read();
    return 'none';
  } catch (error) {
    return (error as {code: string}).code;
  }
}

const without = (file: GgufFile, name: string): GgufFile => ({
  ...file,
  tensors: new Map([...file.tensors].filter(([other]) => other !== name)),
});

describe('readEncoderConfig', () => {
  it('reads half of the window as what a row sees on each side, itself included', async () => {
    const config = readEncoderConfig(await headerOf());
    expect(config.layers.map(({window}) => window)).to.deep.equal([17, 17, 0, 17, 0]);
    expect(config.layers.map(({ropeBase}) => ropeBase)).to.deep.equal([1e4, 1e4, 1e6, 1e4, 1e6]);
    expect(config).to.include({nVector: 192, attentionScale: 64 ** -0.5, contextLength: 256});
  });

  it('keeps the keys and values of one layer at a time', async () => {
    const {layers} = readEncoderConfig(await headerOf());
    expect(layers.map(({hasKv, kvSource, sliding}) => [hasKv, kvSource, sliding])).to.deep.equal([
      [true, 0, false],
      ...Array.from({length: 4}, () => [false, 0, false]),
    ]);
  });

  for (const name of ['dense_2.weight', 'dense_3.weight', 'blk.3.attn_k.weight']) {
    it(`refuses a file without ${name}`, async () => {
      const file = without(await headerOf(), name);
      expect(codeOf(() => readEncoderConfig(file))).to.equal('tensor-missing');
    });
  }

  it('refuses another pooling, and dense layers that do not fit', async () => {
    const pooled = await headerOf({metadata: {'gemma-embedding.pooling_type': 2}});
    expect(codeOf(() => readEncoderConfig(pooled))).to.equal('config-invalid');
    const file = await headerOf();
    const dense = {...file.tensors.get('dense_3.weight')!, shape: [64, 192]};
    const cut = {...file, tensors: new Map([...file.tensors, ['dense_3.weight', dense]])};
    expect(codeOf(() => readEncoderConfig(cut))).to.equal('tensor-shape');
  });

  it('names the architectures that it reads where a file is of another', async () => {
    const chat = await changedHeader(SHAPES.gemma3);
    expect(isEncoder(chat.metadata)).to.equal(false);
    expect(isEncoder((await headerOf()).metadata)).to.equal(true);
    expect(() => readEncoderConfig(chat)).to.throw(/gemma3; embedding models that can be run: gemma-embedding/);
  });

  it('reads EmbeddingGemma 2: two kinds of heads as wide together, no table of per-layer embeddings', async () => {
    const file = await changedHeader(EMBEDDING2_SHAPE);
    const config = readEncoderConfig(file);
    expect(config).to.include({architecture: 'gemma-embedding2', nVector: 192, nEmbdPerLayer: 32, perLayerTable: null});
    expect(config.layers.map(({window, nHeadKv, headDim}) => [window, nHeadKv, headDim])).to.deep.equal(
      [17, 17, 0, 17, 0].map((window) => (window > 0 ? [17, 2, 32] : [0, 1, 64])),
    );
    for (const name of ['output.weight', 'per_layer_model_proj.weight', 'blk.4.proj.weight']) {
      expect(codeOf(() => readEncoderConfig(without(file, name)))).to.equal('tensor-missing');
    }
    const wider = await changedHeader(EMBEDDING2_SHAPE, {metadata: {'gemma-embedding2.attention.head_count_kv': 2}});
    expect(codeOf(() => readEncoderConfig(wider))).to.equal('config-invalid');
  });
});

import {expect} from 'chai';
import {EMBEDDING_SHAPES} from '../../../../scripts/model-files/dense-shapes.ts';
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
});

// Split models, adapters and towers.
import {expect} from 'chai';
import {metadataOf, writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import {fileKind, parseSplitName, splitInfo, splitNames} from '../../../src/gguf/file-kind.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {rejection} from '../store/rejection.ts';
import {countingSource} from './counting-source.ts';

const SPLIT = {
  'split.no': {type: 'u16', value: 1},
  'split.count': {type: 'u16', value: 3},
  'split.tensors.count': {type: 'i32', value: 601},
} as const;

describe('split files', () => {
  it('are refused with what to do', async () => {
    const error = await rejection(readGguf(countingSource(writeGguf({metadata: SPLIT}))));
    expect(error).to.deep.include({code: 'gguf-split', detail: {no: 1, count: 3, tensorCount: 601}});
    expect(String(error)).to.match(/file 2 of 3.*merge/);
  });

  it('are read where the caller puts them together', async () => {
    const {metadata} = await readGguf(countingSource(writeGguf({metadata: SPLIT})), {allowSplit: true});
    expect(splitInfo(metadata)).to.deep.equal({no: 1, count: 3, tensorCount: 601});
  });

  it('are not files that are split into one', async () => {
    const metadata = {...SPLIT, 'split.no': 0, 'split.count': 1};
    expect(splitInfo((await readGguf(countingSource(writeGguf({metadata})))).metadata)).to.equal(undefined);
    expect(splitInfo(metadataOf({}))).to.equal(undefined);
  });

  it('have names that give the others’', () => {
    const name = parseSplitName('gemma-Q4_0-00002-of-00003.gguf');
    expect(name).to.deep.equal({prefix: 'gemma-Q4_0', no: 1, count: 3});
    expect(splitNames(name!)).to.deep.equal([
      'gemma-Q4_0-00001-of-00003.gguf',
      'gemma-Q4_0-00002-of-00003.gguf',
      'gemma-Q4_0-00003-of-00003.gguf',
    ]);
  });

  for (const name of [
    'gemma.gguf',
    'a-00000-of-00003.gguf',
    'a-00004-of-00003.gguf',
    'a-1-of-3.gguf',
    'a-00001-of-00003.bin',
  ]) {
    it(`are not called ${name}`, () => {
      expect(parseSplitName(name)).to.equal(undefined);
    });
  }
});

describe('fileKind', () => {
  for (const [type, kind] of [
    [undefined, 'model'],
    ['model', 'model'],
    ['adapter', 'adapter'],
    ['mmproj', 'mmproj'],
    ['imatrix', 'other'],
  ] as const) {
    it(`takes general.type ${type} for ${kind}`, () => {
      expect(fileKind(metadataOf(type === undefined ? {} : {'general.type': type}))).to.equal(kind);
    });
  }
});

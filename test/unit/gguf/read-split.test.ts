import {expect} from 'chai';
import {f32Bytes, writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {readSplitGguf} from '../../../src/gguf/read-split.ts';
import {joinedSource} from '../../../src/store/sources/joined-source.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';
import {splitModel} from '../../fixtures/split-model.ts';
import {rejection} from '../store/rejection.ts';

const tensors = ['a', 'b', 'c', 'd', 'e'].map((name, i) => ({
  name,
  type: 'F32' as const,
  shape: [3 + i],
  data: f32Bytes(Array.from({length: 3 + i}, (_, at) => 10 * i + at)),
}));
const whole = writeGguf({metadata: {'general.architecture': 'gemma4', 'general.name': 'Whole'}, tensors});

describe('readSplitGguf', () => {
  let files: Uint8Array[];
  before(async () => {
    files = await splitModel(whole, 3);
  });
  const sources = (order: readonly number[]) => order.map((i) => memorySource(files[i], `part ${i + 1}`));

  it('finds every tensor where it lies in the files end to end, and the metadata of the first', async () => {
    const parts = sources([0, 1, 2]);
    const file = await readSplitGguf(parts);
    const joined = joinedSource(parts);
    expect(file.size).to.equal(joined.size);
    expect(file.metadata.string('general.name')).to.equal('Whole');
    for (const {name, data} of tensors) {
      const {offset, byteLength} = file.tensors.get(name)!;
      expect(await joined.read(offset, byteLength), name).to.deep.equal(data);
    }
  });

  it('reads a file that stands alone as readGguf does', async () => {
    const file = await readSplitGguf([memorySource(whole)]);
    expect(file).to.deep.equal(await readGguf(memorySource(whole)));
  });

  for (const [title, order] of [
    ['the wrong order', [0, 2, 1]],
    ['a part twice', [0, 1, 1]],
    ['a part too few', [0, 1]],
    ['a part alone', [0]],
    ['a later part first', [1, 0, 2]],
  ] as const) {
    it(`refuses ${title}`, async () => {
      expect(await rejection(readSplitGguf(sources(order)))).to.include({code: 'gguf-split'});
    });
  }

  it('refuses a part of another model: tensors that are there twice, or too few', async () => {
    const other = await splitModel(writeGguf({tensors: tensors.slice(0, 3)}), 3);
    const mixed = [files[0], other[1], other[2]].map((bytes) => memorySource(bytes));
    const error = await rejection(readSplitGguf(mixed));
    expect(error).to.include({code: 'gguf-split'});
    expect(String(error)).to.include('repeats the tensor b');
    const short = [files[0], files[1], other[2]].map((bytes) => memorySource(bytes));
    expect(String(await rejection(readSplitGguf(short)))).to.include('repeats the tensor c');
  });

  it('refuses files that hold fewer tensors than the first announces', async () => {
    const announced = await splitModel(writeGguf({tensors: [...tensors, {...tensors[0], name: 'f'}]}), 3);
    const fewer = await splitModel(writeGguf({tensors: tensors.slice(0, 2)}), 2);
    const error = await rejection(readSplitGguf([memorySource(announced[0]), memorySource(fewer[1])]));
    expect(error).to.include({code: 'gguf-split'});
  });
});

import {expect} from 'chai';
import {readConfig} from '../../../src/engine/config.ts';
import {type KvPoolRequest, sizeKvPool} from '../../../src/engine/kv-pool.ts';
import {GemmaError} from '../../../src/errors.ts';
import {testModel} from '../../helpers/engine.ts';

const MIB = 2 ** 20;

// Three owning layers of 128 values: a page takes 3 · 2 · 32 · 128 · 4 B = 96 KiB, of one buffer 16 KiB.
async function size(request: Partial<KvPoolRequest>) {
  const {file} = await testModel({type: 'Q4_K'});
  return sizeKvPool(readConfig(file), {maxSequences: 8, maxBufferBytes: 128 * MIB, ...request});
}

describe('sizeKvPool', () => {
  it("takes the model's context, a full one for every sequence while that is cheap", async () => {
    expect(await size({maxSequences: 2})).to.deep.equal({contextLength: 2048, pages: 128});
  });

  it('stops at the budget of 64 MiB', async () => {
    expect(await size({maxSequences: 100})).to.deep.equal({
      contextLength: 2048,
      pages: Math.floor((64 * MIB) / 98_304),
    });
  });

  it('shortens a context that was not asked for to what one buffer holds', async () => {
    expect(await size({maxBufferBytes: 1 * MIB})).to.deep.equal({contextLength: 2048, pages: 64});
    expect(await size({maxBufferBytes: MIB / 2})).to.deep.equal({contextLength: 1024, pages: 32});
  });

  it('takes the pages it is told', async () => {
    expect(await size({contextLength: 100, pages: 3})).to.deep.equal({contextLength: 100, pages: 3});
  });

  it('refuses a context that no buffer holds, and says what would fit', async () => {
    const {file} = await testModel({type: 'Q4_K'});
    const act = () => sizeKvPool(readConfig(file), {contextLength: 2000, maxSequences: 1, maxBufferBytes: MIB / 2});
    expect(act)
      .to.throw(GemmaError, /context of 2000 needs 63 pages.* at most 1024/)
      .with.property('code', 'out-of-memory');
  });
});

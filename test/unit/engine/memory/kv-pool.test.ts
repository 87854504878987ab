import {expect} from 'chai';
import {type KvPoolRequest, sizeKvPool} from '../../../../src/engine/memory/kv-pool.ts';
import {readConfig} from '../../../../src/engine/model/config.ts';
import {GemmaError} from '../../../../src/errors.ts';
import {testModel} from '../../../helpers/engine.ts';

const MIB = 2 ** 20;
/** Keys and values of 32 positions of 128 values: one owning layer. */
const LAYER_PAGE = 2 * 32 * 128 * 4;

// Three owning layers of 128 values, two of them sliding with a window of 16: of one buffer a page takes 16 KiB.
async function size(request: Partial<KvPoolRequest>) {
  const {file} = await testModel({type: 'Q4_K'});
  return sizeKvPool(readConfig(file), {maxSequences: 8, chunkSize: 64, maxBufferBytes: 128 * MIB, ...request});
}

describe('sizeKvPool', () => {
  it("takes the model's context, a full one for every sequence while that is cheap", async () => {
    expect(await size({maxSequences: 2})).to.deep.equal({
      contextLength: 2048,
      pages: 128,
      slidingPages: 128,
      window: 16,
    });
  });

  it('stops at the budget of 64 MiB, half of what is left for either group', async () => {
    // A full context: 64 pages, and 4 of the sliding layers for the window and a chunk.
    const rest = 64 * MIB - (64 + 4 * 2) * LAYER_PAGE;
    expect(await size({maxSequences: 100})).to.deep.equal({
      contextLength: 2048,
      pages: 64 + Math.floor(rest / 2 / LAYER_PAGE),
      slidingPages: 4 + Math.floor(rest / 2 / (2 * LAYER_PAGE)),
      window: 16,
    });
  });

  it('takes the bytes it is told, never less than one full context', async () => {
    expect(await size({bytes: 0})).to.include({pages: 64, slidingPages: 4});
    expect(await size({bytes: (64 + 4 * 2 + 20) * LAYER_PAGE})).to.include({pages: 74, slidingPages: 9});
  });

  it('shortens a context that was not asked for to what one buffer holds', async () => {
    expect(await size({maxBufferBytes: 1 * MIB})).to.include({contextLength: 2048, pages: 64});
    expect(await size({maxBufferBytes: MIB / 2})).to.include({contextLength: 1024, pages: 32});
  });

  it('takes the pages it is told', async () => {
    expect(await size({contextLength: 100, pages: 3})).to.include({contextLength: 100, pages: 3, slidingPages: 3});
  });

  it('refuses a context that no buffer holds, and says what would fit', async () => {
    const {file} = await testModel({type: 'Q4_K'});
    const request = {contextLength: 2000, maxSequences: 1, chunkSize: 64, maxBufferBytes: MIB / 2};
    expect(() => sizeKvPool(readConfig(file), request))
      .to.throw(GemmaError, /context of 2000 needs 63 pages.* at most 1024/)
      .with.property('code', 'out-of-memory');
  });
});

import {expect} from 'chai';
import {findAdapter} from '../../../src/gpu/device.ts';
import {rejection} from '../../helpers/fake-worker.ts';

/** A GPU that has no adapter for the first asks. */
const gpu = (nulls: number) => {
  const adapter = {} as GPUAdapter;
  let asked = 0;
  return {adapter, asked: () => asked, requestAdapter: async () => (asked++ < nulls ? null : adapter)};
};
const find = (from: ReturnType<typeof gpu>) => findAdapter(from as unknown as GPU);

describe('findAdapter', () => {
  it('asks again where there is none at first', async () => {
    for (const nulls of [0, 1, 2]) {
      const some = gpu(nulls);
      expect(await find(some)).to.equal(some.adapter);
      expect(some.asked()).to.equal(nulls + 1);
    }
  });

  it('gives up within a second', async () => {
    const none = gpu(Number.POSITIVE_INFINITY);
    expect((await rejection(find(none))).code).to.equal('adapter-missing');
    expect(none.asked()).to.equal(3);
  });
});

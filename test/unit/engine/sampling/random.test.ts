import {expect} from 'chai';
import {philox, uniform} from '../../../../src/engine/sampling/random.ts';

describe('philox', () => {
  // Known answers of the authors' Random123 library (kat_vectors, philox2x32 10).
  const vectors = [
    [0, 0, 0, 0xff1dae59, 0x6cd10df2],
    [0xffffffff, 0xffffffff, 0xffffffff, 0x2c3f628b, 0xab4fd7ad],
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0xdd7ce038, 0xf62a4c12],
  ];
  for (const [low, high, key, first, second] of vectors) {
    it(`gives the published words for counter ${low.toString(16)} ${high.toString(16)}`, () => {
      expect(philox(low, high, key)).to.deep.equal([first, second]);
    });
  }
});

describe('uniform', () => {
  it('stays in [0, 1) and is uniform', () => {
    const bins = new Array<number>(10).fill(0);
    for (let counter = 0; counter < 20_000; counter++) {
      const x = uniform(7, counter);
      expect(x).to.be.within(0, 1 - 2 ** -53);
      bins[Math.floor(x * 10)]++;
    }
    // 2000 a bin, standard deviation 42; fixed seed, so this never flickers.
    for (const count of bins) expect(count).to.be.within(1800, 2200);
  });

  it('depends on every bit of a seed', () => {
    const seeds = [0, 1, 2 ** 31, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER];
    expect(new Set(seeds.map((seed) => uniform(seed, 0))).size).to.equal(seeds.length);
  });
});

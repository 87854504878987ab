import {expect} from 'chai';
import {ChunkSize} from '../../../src/worker/chunk-size.ts';

describe('ChunkSize', () => {
  it('takes all there is while nobody else waits', () => {
    const chunk = new ChunkSize(64);
    chunk.measured(64, 1000);
    expect(chunk.rows(0)).to.equal(64);
  });

  it('leaves each that decodes its row', () => {
    expect(new ChunkSize(64).rows(5)).to.equal(59);
  });

  it('shrinks until a step takes at most 100 ms, and grows again', () => {
    const chunk = new ChunkSize(64);
    const settle = (msPerRow: number): number => {
      for (let i = 0; i < 20; i++) chunk.measured(chunk.rows(1), msPerRow * chunk.rows(1));
      return chunk.rows(1);
    };
    expect(settle(5)).to.be.within(14, 20);
    expect(settle(0.1)).to.equal(63);
    expect(settle(1000)).to.equal(8); // not even one row fits: small, but it gets on
  });
});

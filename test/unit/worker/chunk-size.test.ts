import {expect} from 'chai';
import {ChunkSize} from '../../../src/worker/chunk-size.ts';

describe('ChunkSize', () => {
  it('begins with 64 rows and takes twice as many while steps stay short, to all there are', () => {
    const chunk = new ChunkSize(512);
    const rows = [chunk.rows(0)];
    for (let i = 0; i < 4; i++) {
      chunk.measured(rows[i], 10);
      rows.push(chunk.rows(0));
    }
    expect(rows).to.deep.equal([64, 128, 256, 512, 512]);
  });

  it('never takes fewer than 64 where no one else waits', () => {
    const chunk = new ChunkSize(512);
    chunk.measured(64, 1000);
    expect([chunk.rows(0), chunk.rows(1)]).to.deep.equal([64, 8]);
  });

  it('leaves each that decodes its row', () => {
    expect(new ChunkSize(64).rows(5)).to.equal(59);
    expect(new ChunkSize(2).rows(2)).to.equal(0);
  });

  it('shrinks until a step takes at most 100 ms, and grows again', () => {
    const chunk = new ChunkSize(64);
    const settle = (msPerRow: number): number => {
      for (let i = 0; i < 20; i++) chunk.measured(chunk.rows(1), msPerRow * chunk.rows(1));
      return chunk.rows(1);
    };
    expect(settle(5)).to.be.within(9, 20);
    expect(settle(0.1)).to.equal(63);
    expect(settle(1000)).to.equal(8); // not even one row fits: small, but it gets on
  });

  it('shrinks after a long step of a prompt alone', () => {
    const chunk = new ChunkSize(512);
    chunk.measured(64, 20);
    chunk.measured(128, 300);
    expect([chunk.rows(0), chunk.rows(1)]).to.deep.equal([64, 38]);
  });
});

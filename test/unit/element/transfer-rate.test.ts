import {expect} from 'chai';
import {TransferRate} from '../../../src/element/model/transfer-rate.ts';

describe('TransferRate', () => {
  const steady = (rate: TransferRate, from: number, to: number, perSecond: number, start = 0) => {
    for (let at = from; at <= to; at += 50) rate.add(at, start + (perSecond * (at - from)) / 1000);
  };

  it('says nothing before it has seen a second', () => {
    const rate = new TransferRate();
    steady(rate, 0, 900, 1000);
    expect([rate.bytesPerSecond, rate.secondsFor(1)]).to.deep.equal([null, null]);
  });

  it('measures and foretells a steady transfer', () => {
    const rate = new TransferRate();
    steady(rate, 0, 3000, 1000);
    expect(rate.bytesPerSecond).to.be.closeTo(1000, 1);
    expect(rate.secondsFor(5000)).to.be.closeTo(5, 0.01);
  });

  it('follows a change within ten seconds, and forgets what came before', () => {
    const rate = new TransferRate();
    steady(rate, 0, 60_000, 1000);
    steady(rate, 60_050, 70_050, 100, 60_000);
    expect(rate.bytesPerSecond).to.be.closeTo(100, 5);
  });

  it('says that a stalled one comes to no end', () => {
    const rate = new TransferRate();
    rate.add(0, 100);
    rate.add(2000, 100);
    expect([rate.bytesPerSecond, rate.secondsFor(1)]).to.deep.equal([0, null]);
  });

  it('begins anew where bytes came from elsewhere, or fewer are there than before', () => {
    const rate = new TransferRate();
    steady(rate, 0, 2000, 1000);
    rate.add(2050, 10);
    expect(rate.bytesPerSecond).to.equal(null);
    steady(rate, 3000, 5000, 1000);
    rate.reset();
    expect(rate.bytesPerSecond).to.equal(null);
  });
});

import {expect} from 'chai';
import {Pace} from '../../../src/store/transfer/pace.ts';
import {FakeClock} from '../../helpers/store-fakes.ts';

const MIB = 2 ** 20;
const BLOCK = 4 * MIB;

describe('the pace of a download', () => {
  let clock: FakeClock;
  let pace: Pace;

  beforeEach(() => {
    clock = new FakeClock();
    pace = new Pace(clock, BLOCK);
  });

  /** Every transfer brings a run at `bytesPerMs`, all side by side; a part of the time it waits for the disk. */
  const round = (bytesPerMs: number, held = 0): void => {
    const {lanes, runBytes} = pace;
    const ms = (lanes * runBytes) / bytesPerMs;
    clock.time += ms;
    for (let i = 0; i < lanes; i++) pace.done(runBytes, ms, ms * held);
  };

  const asked = (): number => (pace.lanes * pace.runBytes) / MIB;

  it('takes more transfers as long as each brings more', () => {
    expect(pace.lanes).to.equal(2);
    for (let i = 0; i < 6; i++) round(20_000 * pace.lanes);
    expect(pace.lanes).to.equal(4);
  });

  it('takes no more where another one brings nothing', () => {
    for (let i = 0; i < 6; i++) round(50_000);
    expect(pace.lanes).to.equal(3);
  });

  it('asks for more at once where a request is soon over, and for 16 to 64 MiB', () => {
    expect(pace.runBytes).to.equal(16 * MIB);
    round(10_000);
    expect(pace.runBytes).to.be.above(16 * MIB);
    pace.throttled();
    pace.throttled();
    for (let i = 0; i < 4; i++) round(50_000);
    expect(pace.runBytes).to.equal(64 * MIB);
  });

  it('shares 64 MiB among the transfers', () => {
    for (let i = 0; i < 10; i++) {
      round(30_000 * pace.lanes);
      expect(asked()).to.be.at.most(64);
    }
    expect(pace.lanes).to.equal(4);
  });

  it('asks for the least where the disk is what everything waits for', () => {
    for (let i = 0; i < 6; i++) round(20_000 * pace.lanes);
    for (let i = 0; i < 3; i++) round(80_000, 0.5);
    expect(pace.lanes).to.equal(1);
    expect(pace.runBytes).to.equal(16 * MIB);
  });

  it('takes more again once it is the network', () => {
    for (let i = 0; i < 3; i++) round(80_000, 0.5);
    expect(pace.lanes).to.equal(1);
    for (let i = 0; i < 8; i++) round(20_000 * pace.lanes);
    expect(pace.lanes).to.equal(4);
  });

  it('takes no more than a server bore, whatever the disk does', () => {
    for (let i = 0; i < 6; i++) round(20_000 * pace.lanes);
    pace.throttled();
    round(80_000, 0.5);
    for (let i = 0; i < 8; i++) round(20_000 * pace.lanes);
    expect(pace.lanes).to.equal(2);
  });
});

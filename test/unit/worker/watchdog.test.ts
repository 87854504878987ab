import {expect} from 'chai';
import {Watchdog} from '../../../src/worker/watchdog.ts';

describe('Watchdog', () => {
  let now = 0;
  let look: (() => void) | null = null;
  const clock = {
    now: () => now,
    every(_ms: number, then: () => void) {
      look = then;
      return () => {
        look = null;
      };
    },
  };
  const stuck: number[] = [];
  let dog: Watchdog;
  beforeEach(() => {
    now = 0;
    stuck.length = 0;
    dog = new Watchdog((ms) => stuck.push(ms), clock);
  });
  const wait = (ms: number) => {
    now += ms;
    look?.();
  };

  it('has one timer while there is work, and none otherwise', () => {
    expect(look).to.equal(null);
    dog.start();
    expect(look).not.to.equal(null);
    dog.stop();
    expect(look).to.equal(null);
  });

  it('tells of a step that does not come back, once', () => {
    dog.start();
    dog.begin();
    wait(59_000);
    expect(stuck).to.deep.equal([]);
    wait(2000);
    wait(60_000);
    expect(stuck).to.deep.equal([61_000]);
  });

  it('is quiet between steps, and while they come back', () => {
    dog.start();
    for (let i = 0; i < 10; i++) {
      dog.begin();
      wait(50_000);
      dog.end();
      wait(50_000);
    }
    expect(stuck).to.deep.equal([]);
  });

  it('gives ten times as long to a GPU that has been slow and come back', () => {
    dog.start();
    dog.begin();
    wait(20_000);
    dog.end();
    dog.begin();
    wait(199_000);
    expect(stuck).to.deep.equal([]);
    wait(2000);
    expect(stuck).to.have.length(1);
  });
});

// A slice of `npm run soak`: every blow falls once.
import {expect} from 'chai';
import {soakInBrowser} from '../soak/browser.ts';

describe('ten clients in three tabs of a real browser', () => {
  it('say nothing wrong while a device is lost, a worker ends, a tab is reloaded and the storage is cleared', async function () {
    this.timeout(240_000);
    const {finished, stopped, blows, findings} = await soakInBrowser(18, 7, undefined, 3500);
    expect(findings).to.deep.equal([]);
    expect(new Set(blows).size).to.equal(4);
    expect(Math.min(finished, stopped)).to.be.above(20);
  });
});

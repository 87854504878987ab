// A short slice of `npm run soak`: every blow falls once.
import {expect} from 'chai';
import {closePorts} from '../../helpers/fake-worker.ts';
import {soak} from '../../soak/soak.ts';

describe('ten clients in three tabs', () => {
  after(closePorts);

  it('say nothing wrong while devices are lost, workers crash or hang, and the storage is cleared', async () => {
    const {finished, stopped, blows, findings} = await soak(4, 7);
    expect(findings).to.deep.equal([]);
    expect(blows).to.include.members([
      'a device is lost',
      'a worker crashes',
      'a worker hangs',
      'the storage is cleared, and a tab reloads',
    ]);
    expect(finished).to.be.above(20);
    expect(stopped).to.be.above(20);
  });
});

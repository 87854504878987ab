// Property: whatever a header claims, everything that reads it ends in a prompt or in a GemmaError of readable length, soon.
// `npm run fuzz` goes through 20,000 more.
import {expect} from 'chai';
import {ORIGINALS} from '../../fuzz/hostile-headers.ts';
import {runHeaders} from '../../fuzz/run-headers.ts';
import {wholeWay} from '../../fuzz/whole-way.ts';

describe('a header from the poster to a prompt', () => {
  for (const original of ORIGINALS) {
    it(`goes the whole way: ${original.title}`, async () => {
      expect(await wholeWay(original)).to.equal('prompt');
    });
  }

  it('ends with a GemmaError or a prompt where it is hostile', async () => {
    // Most take a few milliseconds; what takes seconds on a busy machine loops over a number of the file.
    const {ends, findings} = await runHeaders(0, 400, 5000);
    expect(findings).to.deep.equal([]);
    // The mutations reach every part: some files pass, others are refused by each of the readers.
    expect([...ends.keys()]).to.include.members(['prompt', 'gguf-invalid', 'config-invalid', 'tokenizer-invalid']);
    expect(ends.get('prompt')).to.be.within(10, 100);
  });
});

// The incremental SHA-256 against Node's own, and the ways a hash is written.
import {createHash} from 'node:crypto';
import {expect} from 'chai';
import {seededRandom} from '../../../scripts/model-files/random.ts';
import {blockHash, linkedSha256, parseIntegrity, sha256Hex} from '../../../src/store/hash/integrity.ts';
import {Sha256} from '../../../src/store/hash/sha256.ts';

const random = seededRandom(5);
const bytesOf = (length: number) => Uint8Array.from({length}, () => random.u32());
const expected = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('Sha256', () => {
  // Around the padding's edges: 55 bytes leave just room for the length, 56 do not; a whole chunk; several.
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    it(`hashes ${length} bytes`, () => {
      const bytes = bytesOf(length);
      expect(new Sha256().update(bytes).digest()).to.equal(expected(bytes));
    });
  }

  it('gives the same however the bytes are cut, and goes on after a digest', () => {
    const bytes = bytesOf(5000);
    const hash = new Sha256();
    for (let at = 0; at < bytes.length; ) {
      const length = random.u32() % 150;
      hash.update(bytes.subarray(at, at + length));
      at = Math.min(bytes.length, at + length);
      expect(hash.length).to.equal(at);
      if (length % 10 === 0) expect(hash.digest()).to.equal(expected(bytes.subarray(0, at)));
    }
    expect(hash.digest()).to.equal(expected(bytes));
  });
});

describe('the hash of a block', () => {
  const piece = 2 ** 19;

  it('is that of its one piece', async () => {
    for (const bytes of [0, 1, piece].map(bytesOf)) expect(await blockHash(bytes)).to.equal(expected(bytes));
  });

  it('is that of the hashes of its pieces, in order', async () => {
    for (const length of [piece + 1, 3 * piece, 8 * piece - 5]) {
      const bytes = bytesOf(length);
      const all = createHash('sha256');
      for (let at = 0; at < length; at += piece) {
        all.update(Buffer.from(expected(bytes.subarray(at, at + piece)), 'hex'));
      }
      expect(await blockHash(bytes)).to.equal(all.digest('hex'));
    }
  });
});

describe('integrity', () => {
  const bytes = bytesOf(100);
  const hex = expected(bytes);
  const base64 = createHash('sha256').update(bytes).digest('base64');

  it('is the same hash in every spelling', async () => {
    expect(await sha256Hex(bytes)).to.equal(hex);
    const spellings = [
      `sha256-${hex}`,
      `sha256:${hex.toUpperCase()}`,
      `sha256-${base64}`,
      ` sha256-${base64.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')} `,
    ];
    for (const spelling of spellings) expect(parseIntegrity(spelling), spelling).to.equal(hex);
  });

  for (const wrong of ['', 'sha256-', hex, `sha384-${base64}`, `sha256-${hex.slice(1)}`, `sha256-${base64}=`]) {
    it(`refuses ${JSON.stringify(wrong.slice(0, 20))}`, () => {
      expect(() => parseIntegrity(wrong))
        .to.throw(/expected sha256-/)
        .with.property('code', 'option-invalid');
    });
  }

  it('takes the hash of a linked file from its header, and nothing that is no hash', () => {
    expect(linkedSha256(`"${hex}"`)).to.equal(hex);
    expect(linkedSha256(`W/"${hex}"`)).to.equal(hex);
    for (const other of [null, '', '"abc"', `"${hex}-5"`]) expect(linkedSha256(other)).to.equal(null);
  });
});

// The typed getters: lenient about widths and about scalar or array, strict about everything else.
import {expect} from 'chai';
import {metadataOf} from '../../../scripts/model-files/gguf-writer.ts';
import {GemmaError} from '../../../src/errors.ts';
import type {Metadata, MetadataValue} from '../../../src/gguf/metadata.ts';
import {PackedStrings} from '../../../src/gguf/metadata.ts';

const INTEGER_TYPES = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64', 'f32', 'f64'] as const;

describe('Metadata', () => {
  for (const type of INTEGER_TYPES) {
    it(`takes an integer from ${type}`, () => {
      const metadata = metadataOf({n: {type, value: 26}});
      expect(metadata.integer('n')).to.equal(26);
      expect(metadata.number('n')).to.equal(26);
      expect(metadata.integers('n', 3)).to.deep.equal([26, 26, 26]);
    });
  }

  it('gives one number for all, or one for each', () => {
    const metadata = metadataOf({
      same: 4,
      each: Int32Array.of(4, 1, 4),
      wide: {type: 'array', of: 'u64', value: BigUint64Array.of(1n, 2n, 3n)},
      rates: Float32Array.of(0.5, 1, 2),
    });
    expect(metadata.numbers('same', 3)).to.deep.equal([4, 4, 4]);
    expect(metadata.numbers('each', 3)).to.deep.equal([4, 1, 4]);
    expect(metadata.integers('wide', 3)).to.deep.equal([1, 2, 3]);
    expect(metadata.numericArray('wide')).to.deep.equal(Float64Array.of(1, 2, 3));
    expect(metadata.numbers('rates', 3)).to.deep.equal([0.5, 1, 2]);
    expect(metadata.numbers('missing', 2, 7)).to.deep.equal([7, 7]);
    expect([metadata.isArray('same'), metadata.isArray('each'), metadata.isArray('missing')]).to.deep.equal([
      false,
      true,
      false,
    ]);
  });

  it('gives one boolean for all, or one for each, from booleans or integers', () => {
    const metadata = metadataOf({same: true, each: [true, false], counted: Int32Array.of(0, 2)});
    expect(metadata.booleans('same', 2)).to.deep.equal([true, true]);
    expect(metadata.booleans('each', 2)).to.deep.equal([true, false]);
    expect(metadata.booleans('counted', 2)).to.deep.equal([false, true]);
    expect(metadata.booleans('missing', 2, false)).to.deep.equal([false, false]);
  });

  it('gives the fallback for a missing key, and for nothing else', () => {
    const metadata = metadataOf({text: 'x'});
    expect(metadata.integer('n', 0)).to.equal(0);
    expect(metadata.number('n', 0.5)).to.equal(0.5);
    expect(metadata.string('n', '')).to.equal('');
    expect(metadata.boolean('n', false)).to.equal(false);
    for (const getter of ['integer', 'number'] as const) expect(() => metadata[getter]('text', 1)).to.throw(GemmaError);
    expect(() => metadata.boolean('text', false)).to.throw(GemmaError);
    expect(() => metadata.numbers('text', 2, 1)).to.throw(GemmaError);
  });

  const vast: MetadataValue = {type: 'u64', value: 2n ** 63n};
  const FAULTS: [string, (metadata: Metadata) => unknown, RegExp][] = [
    ['a missing key', (m) => m.integer('gone'), /key gone is missing; expected an integer/],
    ['text for an integer', (m) => m.integer('text'), /key text is string hello; expected an integer/],
    ['a fraction for an integer', (m) => m.integer('half'), /key half is f32 0.5; expected an integer/],
    ['an integer beyond 2^53', (m) => m.integer('vast'), /key vast is u64 9223372036854775808; expected an integer/],
    ['NaN for a number', (m) => m.number('nan'), /key nan is f32 NaN; expected a finite number/],
    ['an array for a scalar', (m) => m.integer('list'), /key list is an array of 3 i32/],
    ['a number for a string', (m) => m.string('one'), /key one is u32 1; expected a string/],
    ['a number for a boolean', (m) => m.boolean('one'), /expected a boolean/],
    ['a boolean for a number', (m) => m.number('yes'), /key yes is bool true/],
    ['too short an array', (m) => m.numbers('list', 4), /an array of 3 i32; expected a finite number or an array of 4/],
    ['an array with a fraction', (m) => m.integers('halves', 2), /expected an integer or an array of 2/],
    ['an array with an infinity', (m) => m.numbers('endless', 2), /array of 2 f32/],
    ['an array with an integer beyond 2^53', (m) => m.numericArray('giants'), /at most 53 bits/],
    ['strings for numbers', (m) => m.numericArray('words'), /an array of 2 string; expected an array of numbers/],
    ['numbers for strings', (m) => m.strings('list'), /expected an array of strings/],
    ['a string for strings', (m) => m.strings('text'), /expected an array of strings/],
    ['a long text', (m) => m.integer('long'), /key long is string x{60}…;/],
  ];
  const metadata = metadataOf({
    text: 'hello',
    long: 'x'.repeat(10_000),
    half: 0.5,
    vast,
    nan: {type: 'f32', value: Number.NaN},
    one: 1,
    yes: true,
    list: [1, 2, 3],
    halves: [0.5, 1],
    endless: Float32Array.of(1, Infinity),
    giants: {type: 'array', of: 'u64', value: BigUint64Array.of(2n ** 53n)},
    words: ['a', 'b'],
  });
  for (const [title, get, message] of FAULTS) {
    it(`names key, finding and expectation for ${title}`, () => {
      let error: unknown;
      try {
        get(metadata);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).to.include({code: 'config-invalid'});
      expect(String(error)).to.match(message);
      expect((error as GemmaError).detail).to.have.all.keys('key', 'found', 'expected');
    });
  }
});

describe('PackedStrings', () => {
  it('gives back what was packed', () => {
    const strings = ['', 'a', '🙂é', '', '\ufeff<bos>'];
    const packed = PackedStrings.from(strings);
    expect(packed.length).to.equal(5);
    expect(strings.map((_, i) => packed.get(i))).to.deep.equal(strings);
    expect(packed.bytesOf(2)).to.deep.equal(new TextEncoder().encode('🙂é'));
    expect(PackedStrings.from([]).length).to.equal(0);
  });

  for (const i of [-1, 1, Number.NaN]) {
    it(`has no string ${i} of 1`, () => {
      expect(() => PackedStrings.from(['a']).get(i)).to.throw(RangeError);
    });
  }
});

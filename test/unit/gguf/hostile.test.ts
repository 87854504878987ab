// Headers that break one rule each: the error has the right code and names what was found; nothing is read or
// allocated on a false promise.
import {expect} from 'chai';
import {writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import type {ErrorCode} from '../../../src/errors.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {rejection} from '../store/rejection.ts';
import {countingSource} from './counting-source.ts';
import {entry, join, rawHeader, TYPE, tensor, text, u8, u32, u64} from './raw-header.ts';

// The smallest number that a JS number cannot tell from its neighbour.
const HUGE = 2n ** 53n;
const bytesOf = (start: string) => new TextEncoder().encode(start.padEnd(100, '.'));
const one = (...metadata: Uint8Array[]) => rawHeader({metadata, dataBytes: 64});
const tensors = (...tensors: Uint8Array[]) => rawHeader({tensors, dataBytes: 256});

const CASES: [string, Uint8Array, ErrorCode, RegExp][] = [
  ['an empty file', new Uint8Array(0), 'not-gguf', /has 0 bytes/],
  ['a file of three bytes', bytesOf('GGUF').subarray(0, 3), 'not-gguf', /has 3 bytes/],
  ['a web page', bytesOf('<!doctype html>'), 'not-gguf', /"<!do" \(a web page/],
  ['a Git LFS pointer', bytesOf('version https://git-lfs'), 'not-gguf', /Git LFS pointer/],
  ['a ZIP archive', bytesOf('PK\u0003\u0004'), 'not-gguf', /ZIP archive/],
  ['a format from before GGUF', bytesOf('tjgg'), 'not-gguf', /before GGUF/],
  ['nothing but the magic', bytesOf('GGUF').subarray(0, 4), 'gguf-truncated', /the header takes at least 4 bytes at 4/],
  ['version 1', rawHeader({version: 1}), 'gguf-version', /GGUF version 1; versions 2 and 3/],
  ['version 0', rawHeader({version: 0}), 'gguf-version', /GGUF version 0/],
  ['version 4', rawHeader({version: 4}), 'gguf-version', /GGUF version 4/],
  ['a big-endian file', rawHeader({version: 0x03000000}), 'gguf-version', /big-endian/],

  ['too many tensors', rawHeader({tensorCount: 65537}), 'gguf-invalid', /announces 65537 tensors; at most 65536/],
  ['too many entries', rawHeader({metadataCount: 65537}), 'gguf-invalid', /announces 65537 metadata entries/],
  ['a count beyond 2^53', rawHeader({metadataCount: HUGE}), 'gguf-invalid', /metadata count of 9007199254740992/],
  [
    'more tensors than the file has room for',
    rawHeader({tensorCount: 60000}),
    'gguf-truncated',
    /takes at least 1500000 bytes/,
  ],

  ['an empty key', one(entry('', TYPE.u8, u8(1))), 'gguf-invalid', /metadata entry 1 of 1 has an empty key/],
  [
    'a key that is not UTF-8',
    one(entry(Uint8Array.of(0x61, 0xff), TYPE.u8, u8(1))),
    'gguf-invalid',
    /not valid UTF-8: a\ufffd/,
  ],
  [
    'a key of 65536 bytes',
    one(entry('k'.repeat(65536), TYPE.u8, u8(1))),
    'gguf-invalid',
    /key of 65536 bytes; at most 65535/,
  ],
  [
    'a key longer than the file',
    one(join(text('k', 60000), u32(0), u8(1))),
    'gguf-truncated',
    /takes at least 60000 bytes/,
  ],
  ['a key of 2^53 bytes', one(join(text('k', HUGE), u32(0), u8(1))), 'gguf-invalid', /key length of 9007199254740992/],
  [
    'the same key twice',
    one(entry('twin', TYPE.u8, u8(1)), entry('twin', TYPE.u8, u8(1))),
    'gguf-invalid',
    /key twin is there twice/,
  ],
  [
    'an unknown value type',
    one(entry('k', 13, u64(0))),
    'gguf-invalid',
    /key k has the value type 13; known are 0 to 12/,
  ],
  [
    'a boolean of 2',
    one(entry('k', TYPE.bool, u8(2))),
    'gguf-invalid',
    /key k has a boolean of value 2; expected 0 or 1/,
  ],
  [
    'a boolean of 2 in an array',
    one(entry('k', TYPE.array, u32(TYPE.bool), u64(2), u8(1), u8(2))),
    'gguf-invalid',
    /value 2/,
  ],
  [
    'a string over the limit',
    one(entry('k', TYPE.string, text('', 2 ** 24 + 1))),
    'gguf-invalid',
    /string of 16777217 bytes/,
  ],
  [
    'a string longer than the file',
    one(entry('k', TYPE.string, text('', 2 ** 24))),
    'gguf-truncated',
    /takes at least 16777216/,
  ],
  [
    'an array of arrays',
    one(entry('k', TYPE.array, u32(TYPE.array), u64(0))),
    'gguf-invalid',
    /key k is an array of arrays/,
  ],
  ['an array of an unknown type', one(entry('k', TYPE.array, u32(99), u64(0))), 'gguf-invalid', /value type 99/],
  [
    'an array over the limit',
    one(entry('k', TYPE.array, u32(TYPE.u8), u64(2 ** 26 + 1))),
    'gguf-invalid',
    /67108865 elements/,
  ],
  [
    'an array longer than the file',
    one(entry('k', TYPE.array, u32(TYPE.u64), u64(2 ** 20))),
    'gguf-truncated',
    /8388608 bytes/,
  ],
  [
    'strings that the file has no room for',
    one(entry('k', TYPE.array, u32(TYPE.string), u64(100))),
    'gguf-truncated',
    /800 bytes/,
  ],
  [
    'a string over the limit in an array',
    one(entry('k', TYPE.array, u32(TYPE.string), u64(1), text('', 2 ** 24 + 1))),
    'gguf-invalid',
    /string of 16777217 bytes at 0/,
  ],
  [
    'a long string in an array',
    one(entry('k', TYPE.array, u32(TYPE.string), u64(1), text('', HUGE))),
    'gguf-invalid',
    /string length/,
  ],
  [
    'alignment 0',
    one(entry('general.alignment', TYPE.u32, u32(0))),
    'gguf-invalid',
    /general.alignment.*power of two from 8/,
  ],
  ['alignment 48', one(entry('general.alignment', TYPE.u32, u32(48))), 'gguf-invalid', /power of two/],
  ['alignment 4', one(entry('general.alignment', TYPE.u32, u32(4))), 'gguf-invalid', /power of two/],
  ['alignment 2^21', one(entry('general.alignment', TYPE.u32, u32(2 ** 21))), 'gguf-invalid', /power of two/],
  ['alignment as text', one(entry('general.alignment', TYPE.string, text('32'))), 'gguf-invalid', /power of two/],

  ['an empty tensor name', tensors(tensor({name: ''})), 'gguf-invalid', /tensor 1 of 1 has an empty name/],
  ['the same tensor twice', tensors(tensor({}), tensor({offset: 32})), 'gguf-invalid', /tensor t is there twice/],
  [
    'five dimensions',
    tensors(tensor({shape: [1, 1, 1, 1, 1]})),
    'gguf-invalid',
    /tensor t has 5 dimensions; expected at most 4/,
  ],
  ['2^32 − 1 dimensions', tensors(tensor({nDims: 2 ** 32 - 1})), 'gguf-invalid', /4294967295 dimensions/],
  ['a dimension of 0', tensors(tensor({shape: [8, 0]})), 'gguf-invalid', /shape \[8, 0\]/],
  ['a dimension of 2^53', tensors(tensor({shape: [HUGE]})), 'gguf-invalid', /dimension of 9007199254740992/],
  [
    'a shape whose product overflows',
    tensors(tensor({shape: [2 ** 50, 2 ** 50, 2 ** 50]})),
    'gguf-truncated',
    /tensor t takes/,
  ],
  [
    'a retired tensor type',
    tensors(tensor({type: 4})),
    'quant-unsupported',
    /tensor t has the type number 4; supported: F32, F16, .*MXFP4\./,
  ],
  ['a tensor type of 2^32 − 1', tensors(tensor({type: 2 ** 32 - 1})), 'quant-unsupported', /type number 4294967295/],
  [
    'a type without a layout',
    tensors(tensor({type: 19, shape: [256]})),
    'quant-unsupported',
    /tensor t has the type IQ1_S/,
  ],
  [
    'a row that is no multiple of the block',
    tensors(tensor({type: 2, shape: [33]})),
    'gguf-invalid',
    /Q4_0 with rows of 33 values/,
  ],
  [
    'an unaligned offset',
    tensors(tensor({offset: 31})),
    'gguf-invalid',
    /tensor t has the offset 31; expected a multiple of 32/,
  ],
  ['an offset of 2^53', tensors(tensor({offset: HUGE})), 'gguf-invalid', /offset of 9007199254740992/],
  ['an offset beyond the end', tensors(tensor({offset: 2 ** 40})), 'gguf-truncated', /download it again/],
  ['a tensor that ends beyond the end', tensors(tensor({shape: [65]})), 'gguf-truncated', /tensor t takes/],
  [
    'tensors that overlap',
    tensors(tensor({name: 'a', shape: [9]}), tensor({name: 'b', offset: 32})),
    'gguf-invalid',
    /a and b overlap/,
  ],
  [
    'tensors at one place',
    tensors(tensor({name: 'a', offset: 32}), tensor({name: 'b', offset: 32})),
    'gguf-invalid',
    /overlap/,
  ],
];

describe('readGguf on a damaged or hostile file', () => {
  for (const [title, bytes, code, message] of CASES) {
    it(`refuses ${title}`, async () => {
      const source = countingSource(bytes);
      const error = await rejection(readGguf(source));
      expect(error).to.include({name: 'GemmaError', code});
      expect(String(error)).to.match(message);
      expect(source.bytesRead()).to.be.at.most(bytes.length);
    });
  }

  it('names the file in every message', async () => {
    for (const [, bytes] of CASES) {
      const error = await rejection(readGguf(countingSource(bytes)));
      if ((error as {code: string}).code !== 'quant-unsupported') expect(String(error)).to.include('test.gguf');
    }
  });

  it('finds a header cut off anywhere to be truncated', async () => {
    const whole = writeGguf({
      metadata: {'general.name': 'x', list: ['a', 'b'], numbers: [1, 2, 3]},
      tensors: [{name: 't', type: 'F32', shape: [8], data: new Uint8Array(32)}],
    });
    for (let length = 4; length < whole.length; length++) {
      const error = await rejection(readGguf(countingSource(whole.subarray(0, length))));
      expect(error, `cut at ${length}`).to.include({code: 'gguf-truncated'});
    }
  });

  it('notices a source that delivers less than was asked', async () => {
    const source = countingSource(writeGguf({metadata: {a: 1}}));
    source.read = async () => new Uint8Array(10);
    expect(await rejection(readGguf(source))).to.include({code: 'gguf-truncated'});
  });

  // A file that says it has 1 TiB: no promise is out of its reach, so only the limits help.
  describe('inside a file of any size', () => {
    const cases: [string, Uint8Array, number][] = [
      ['a false count of strings', one(entry('k', TYPE.array, u32(TYPE.string), u64(2 ** 26 + 1))), 65536],
      ['a false length of a key', one(join(text('k', 2 ** 40), u32(0))), 65536],
      ['a false length of a string', one(entry('k', TYPE.string, text('', 2 ** 40))), 65536],
      ['a false count of numbers', one(entry('k', TYPE.array, u32(TYPE.u64), u64(2 ** 26))), 65536],
      ['false counts of everything', rawHeader({tensorCount: 2 ** 40, metadataCount: 2 ** 40}), 65536],
    ];
    for (const [title, bytes, most] of cases) {
      it(`refuses ${title} after ${most} bytes`, async () => {
        const source = countingSource(bytes, 2 ** 40);
        expect(await rejection(readGguf(source))).to.include({code: 'gguf-invalid'});
        expect(source.bytesRead()).to.be.at.most(most);
      });
    }

    it('reads no further than the header limit', async () => {
      // Zeros are empty strings, as many as one asks for.
      const source = countingSource(one(entry('k', TYPE.array, u32(TYPE.string), u64(10_000))), 2 ** 40);
      const error = await rejection(readGguf(source, {limits: {headerBytes: 70_000}}));
      expect(error).to.include({code: 'gguf-invalid'});
      expect(String(error)).to.match(/a header has at most 70000 bytes/);
      expect(source.bytesRead()).to.be.at.most(70_000);
    });

    it('needs no memory for strings that have not come', async () => {
      const source = countingSource(one(entry('k', TYPE.array, u32(TYPE.string), u64(2 ** 24))), 2 ** 40);
      const {read} = source;
      source.read = (offset, length) => (offset === 0 ? read(offset, length) : Promise.reject(new Error('unplugged')));
      const before = process.memoryUsage().arrayBuffers;
      expect(String(await rejection(readGguf(source)))).to.include('unplugged');
      expect(process.memoryUsage().arrayBuffers - before).to.be.below(2 ** 20);
    });
  });

  it('obeys each limit it is given', async () => {
    const bytes = writeGguf({
      metadata: {'a.key': 'text', list: [1, 2, 3]},
      tensors: [
        {name: 'x', type: 'F32', shape: [8], data: new Uint8Array(32)},
        {name: 'y', type: 'F32', shape: [8], data: new Uint8Array(32)},
      ],
    });
    const atMost = {headerBytes: 400, stringBytes: 4, keyBytes: 5, arrayLength: 3, metadataCount: 2, tensorCount: 2};
    await readGguf(countingSource(bytes), {limits: atMost});
    const tooFew = {headerBytes: 100, stringBytes: 3, keyBytes: 4, arrayLength: 2, metadataCount: 1, tensorCount: 1};
    for (const [limit, value] of Object.entries(tooFew)) {
      const limits = {...atMost, [limit]: value};
      expect(await rejection(readGguf(countingSource(bytes), {limits})), limit).to.include({code: 'gguf-invalid'});
    }
  });
});

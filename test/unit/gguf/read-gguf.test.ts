// What the reader makes of well-formed files, and what reading them costs.
import {expect} from 'chai';
import {f32Bytes, writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import {GGML_TYPES, tensorBytes} from '../../../src/gguf/ggml-types.ts';
import {PackedStrings} from '../../../src/gguf/metadata.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {rejection} from '../store/rejection.ts';
import {countingSource} from './counting-source.ts';

describe('readGguf', () => {
  it('reads every scalar type', async () => {
    const {metadata} = await readGguf(
      countingSource(
        writeGguf({
          metadata: {
            u8: {type: 'u8', value: 255},
            i8: {type: 'i8', value: -128},
            u16: {type: 'u16', value: 65535},
            i16: {type: 'i16', value: -32768},
            u32: {type: 'u32', value: 4294967295},
            i32: {type: 'i32', value: -2147483648},
            f32: {type: 'f32', value: 0.1},
            bool: {type: 'bool', value: true},
            no: {type: 'bool', value: false},
            string: {type: 'string', value: 'Grüße, 🙂'},
            empty: {type: 'string', value: ''},
            u64: {type: 'u64', value: 9007199254740991},
            i64: {type: 'i64', value: -9007199254740991},
            f64: {type: 'f64', value: 0.1},
            vast: {type: 'u64', value: 2n ** 64n - 1n},
            deep: {type: 'i64', value: -(2n ** 63n)},
          },
        }),
      ),
    );
    expect(metadata.size).to.equal(16);
    expect(Array.from(metadata.keys()).slice(0, 3)).to.deep.equal(['u8', 'i8', 'u16']);
    const values = Object.fromEntries(Array.from(metadata.keys(), (key) => [key, metadata.raw(key)?.value]));
    expect(values).to.deep.equal({
      u8: 255,
      i8: -128,
      u16: 65535,
      i16: -32768,
      u32: 4294967295,
      i32: -2147483648,
      f32: Math.fround(0.1),
      bool: true,
      no: false,
      string: 'Grüße, 🙂',
      empty: '',
      u64: 9007199254740991,
      i64: -9007199254740991,
      f64: 0.1,
      vast: 2n ** 64n - 1n,
      deep: -(2n ** 63n),
    });
  });

  it('reads arrays of every type, at any alignment', async () => {
    const arrays = {
      u8: Uint8Array.of(1, 2, 255),
      i8: Int8Array.of(-1, 127),
      u16: Uint16Array.of(65535),
      i16: Int16Array.of(-2, 3, 4),
      u32: Uint32Array.of(4294967295, 7),
      i32: Int32Array.of(-7),
      f32: Float32Array.of(0.5, -0, Number.NaN),
      f64: Float64Array.of(0.1),
      none: new Uint32Array(0),
    };
    const wide = {type: 'array', of: 'u64', value: BigUint64Array.of(1n, 2n ** 53n)} as const;
    const flags = [true, false, true];
    const {metadata} = await readGguf(countingSource(writeGguf({metadata: {...arrays, wide, flags}})));
    for (const [key, value] of Object.entries(arrays)) expect(metadata.numericArray(key)).to.deep.equal(value);
    expect(metadata.raw('wide')).to.deep.equal(wide);
    expect(metadata.booleans('flags', 3)).to.deep.equal(flags);
  });

  it('keeps string arrays as the bytes they are, valid UTF-8 or not', async () => {
    const bytes = Uint8Array.of(0x61, 0xff, 0xc3, 0xa9);
    const tokens = new PackedStrings(bytes, Uint32Array.of(0, 1, 1, 2, 4));
    const {metadata} = await readGguf(
      countingSource(writeGguf({metadata: {tokens: {type: 'array', of: 'string', value: tokens}, none: []}})),
    );
    const found = metadata.strings('tokens');
    expect([0, 1, 2, 3].map((i) => found.get(i))).to.deep.equal(['a', '', '\ufffd', 'é']);
    expect(found.bytesOf(2)).to.deep.equal(Uint8Array.of(0xff));
    expect(found.bytes).to.deep.equal(bytes);
  });

  it('keeps a byte order mark: it may be a token', async () => {
    const {metadata} = await readGguf(countingSource(writeGguf({metadata: {bom: '\ufeff', boms: ['\ufeff']}})));
    expect(metadata.string('bom')).to.equal('\ufeff');
    expect(metadata.strings('boms').get(0)).to.equal('\ufeff');
  });

  // 8: the smallest; 32: the default, not written; 4096: far beyond the header's end.
  for (const version of [2, 3]) {
    for (const alignment of [8, 32, 4096]) {
      it(`finds the tensors of version ${version} at alignment ${alignment}`, async () => {
        const first = Float32Array.of(1, 2, 3, 4, 5);
        const second = Uint8Array.from({length: 36}, (_, i) => i);
        const bytes = writeGguf({
          version,
          alignment,
          metadata: {'general.architecture': 'gemma4'},
          tensors: [
            {name: 'a.weight', type: 'F32', shape: [5], data: f32Bytes(first)},
            {name: 'b.weight', type: 'Q4_0', shape: [32, 2], data: second},
            {name: 'c.scale', type: 'F32', shape: [], data: f32Bytes([9])},
          ],
        });
        const file = await readGguf(countingSource(bytes));
        expect(file).to.include({version, alignment, size: bytes.length});
        expect(file.dataOffset % alignment).to.equal(0);
        expect(Array.from(file.tensors.keys())).to.deep.equal(['a.weight', 'b.weight', 'c.scale']);
        const stored = (name: string) => {
          const {offset, byteLength} = file.tensors.get(name)!;
          expect(offset % alignment).to.equal(0);
          return bytes.slice(offset, offset + byteLength);
        };
        expect(stored('a.weight')).to.deep.equal(f32Bytes(first));
        expect(stored('b.weight')).to.deep.equal(second);
        expect(stored('c.scale')).to.deep.equal(f32Bytes([9]));
        expect(file.tensors.get('b.weight'))
          .to.include({type: 'Q4_0', byteLength: 36})
          .and.have.deep.property('shape', [32, 2]);
        expect(file.tensors.get('c.scale')?.shape).to.deep.equal([1]);
      });
    }
  }

  it('sizes tensors of every type with a known layout', async () => {
    const types = GGML_TYPES.filter((type) => type.blockSize > 0).map((type) => type.name);
    const tensors = types.map((type) => ({
      name: `t.${type}`,
      type,
      shape: [512, 3],
      data: new Uint8Array(tensorBytes(type, [512, 3])),
    }));
    const file = await readGguf(countingSource(writeGguf({tensors})));
    for (const {name, data} of tensors) expect(file.tensors.get(name)?.byteLength).to.equal(data.length);
  });

  it('accepts gaps between tensors and a directory that is not in file order', async () => {
    const bytes = writeGguf({
      tensors: [
        {name: 'x', type: 'F32', shape: [8], data: new Uint8Array(32)},
        {name: 'gap', type: 'F32', shape: [8], data: new Uint8Array(32)},
        {name: 'y', type: 'F32', shape: [8], data: new Uint8Array(32)},
      ],
    });
    // The directory's last field of 8 bytes is y's offset of 64, x's is 0: swap them, and put the gap behind both.
    const size = 8 + 4 + 8 + 4 + 8; // of an entry, without its name
    const view = new DataView(bytes.buffer);
    const ends = [24 + size + 1, 24 + 2 * size + 4, 24 + 3 * size + 5];
    view.setBigUint64(ends[0] - 8, 64n, true);
    view.setBigUint64(ends[2] - 8, 0n, true);
    const file = await readGguf(countingSource(bytes));
    expect(Array.from(file.tensors.values(), (tensor) => tensor.offset - file.dataOffset)).to.deep.equal([64, 32, 0]);
  });

  it('reads a header of Gemma 4’s size in ten requests, and little beyond it', async () => {
    const strings = (count: number, length: number) =>
      new PackedStrings(
        new Uint8Array(count * length).fill(0x61),
        Uint32Array.from({length: count + 1}, (_, i) => i * length),
      );
    const header = writeGguf({
      metadata: {
        'tokenizer.ggml.tokens': {type: 'array', of: 'string', value: strings(262144, 6)},
        'tokenizer.ggml.scores': new Float32Array(262144).fill(0.5),
        'tokenizer.ggml.token_type': new Int32Array(262144).fill(1),
        'tokenizer.ggml.merges': {type: 'array', of: 'string', value: strings(514906, 9)},
      },
    });
    expect(header.length).to.be.within(10e6, 20e6);
    const source = countingSource(header, 5e9);
    const {metadata} = await readGguf(source);
    expect(metadata.strings('tokenizer.ggml.merges').length).to.equal(514906);
    expect(metadata.strings('tokenizer.ggml.merges').get(514905)).to.equal('aaaaaaaaa');
    expect(metadata.numericArray('tokenizer.ggml.scores').at(-1)).to.equal(0.5);
    expect(source.reads.length).to.be.at.most(10);
    expect(source.bytesRead()).to.be.below(header.length + 4 * 2 ** 20);
  });

  it('reads a small header in one request of 64 KiB, however large the file', async () => {
    const source = countingSource(writeGguf({metadata: {'general.name': 'x'}}), 5e9);
    await readGguf(source);
    expect(source.reads).to.deep.equal([[0, 65536]]);
  });

  it('gives the same whatever the boundaries between its reads', async () => {
    // Strings of 1 to 70,000 bytes: fields fall on both sides of the 64 KiB and 192 KiB boundaries.
    for (let shift = 0; shift < 40; shift++) {
      const metadata = {
        pad: 'x'.repeat(65536 - 100 + shift),
        values: Int32Array.from({length: 40_000}, (_, i) => i),
        names: ['a', 'b'.repeat(70_000), 'c'],
        last: 7,
      };
      const file = await readGguf(countingSource(writeGguf({metadata})));
      expect(file.metadata.string('pad').length).to.equal(metadata.pad.length);
      expect(file.metadata.numericArray('values')).to.deep.equal(metadata.values);
      expect(file.metadata.strings('names').get(2)).to.equal('c');
      expect(file.metadata.integer('last')).to.equal(7);
    }
  });

  it('stops with AbortError, before and between its reads', async () => {
    const bytes = writeGguf({metadata: {long: 'x'.repeat(200_000)}});
    expect(await rejection(readGguf(countingSource(bytes), {signal: AbortSignal.abort()}))).to.include({
      name: 'AbortError',
    });

    const controller = new AbortController();
    const source = countingSource(bytes);
    const {read} = source;
    source.read = async (...range) => {
      const chunk = await read(...range);
      controller.abort();
      return chunk;
    };
    expect(await rejection(readGguf(source, {signal: controller.signal}))).to.include({name: 'AbortError'});
    expect(source.reads.length).to.equal(1);
  });

  it('passes on what the source throws', async () => {
    const failure = new Error('unplugged');
    const source = {...countingSource(new Uint8Array(100)), read: () => Promise.reject(failure)};
    expect(await rejection(readGguf(source))).to.equal(failure);
  });
});

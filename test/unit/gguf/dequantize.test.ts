// Every block format against known values and against a second derivation of its formula.
import {expect} from 'chai';
import {seededRandom} from '../../../scripts/model-files/random.ts';
import {DEQUANTIZABLE, dequantize, dequantizeRow} from '../../../src/gguf/dequantize.ts';
import type {GgmlTypeName} from '../../../src/gguf/ggml-types.ts';
import {ggmlType, halfOffsets} from '../../../src/gguf/ggml-types.ts';
import {f16ToF32} from '../../../src/gguf/half.ts';
import {BLOCK_FORMULAS, halfValue} from './block-formulas.ts';

// Blocks of bytes 7i + 3 (mod 256) with d = 0x2E66 and m, dmin = 0x2A66 (MXFP4: e = 125), as the Python package
// `gguf` 0.19.0 dequantizes them: values at 0, 1, 17, 31, 100, 255 and the sum, to six digits.
const GOLDEN: Record<string, (number | undefined)[]> = {
  Q4_0: [-0.699829, 0, -0.699829, -0.0999756, undefined, undefined, -7.39819],
  Q4_1: [1.54962, 0.649841, 0.249939, 0.849792, undefined, undefined, 21.1948],
  Q5_0: [1.29968, -1.19971, 0.299927, -0.699829, undefined, undefined, -10.9973],
  Q5_1: [2.74933, 1.84955, 0.44989, 1.04974, undefined, undefined, 47.9883],
  Q8_0: [1.69958, 2.39941, -11.9971, -2.19946, undefined, undefined, -7.99805],
  Q2_K: [0.89978, 0.599854, 1.99951, 0, 2.49939, -0.299927, 258.737],
  Q3_K: [5.69861, -3.79907, -1.99951, -3.99902, 3.89905, 5.79858, -211.148],
  Q4_K: [6.34845, 28.0432, 28.0432, 34.2416, 30.3926, 15.6962, 4834.02],
  Q5_K: [55.9363, 28.0432, 28.0432, 34.2416, 103.175, 13.2968, 10096.7],
  Q6_K: [127.269, 66.9836, 73.9819, -147.964, 163.46, 209.949, -3109.64],
  IQ4_NL: [-10.3975, 0.0999756, -10.3975, -0.999756, undefined, undefined, -96.8763],
  IQ4_XS: [-3.79907, 8.29797, 4.8988, -2.49939, 29.9927, -110.173, 422.597],
  MXFP4: [-0.25, 0.125, 0.125, 1.5, undefined, undefined, 8.375],
};

function goldenBlock(type: GgmlTypeName): Uint8Array {
  const block = Uint8Array.from({length: ggmlType(type).blockBytes}, (_, i) => 7 * i + 3);
  const [d, m] = halfOffsets(type);
  if (d !== undefined) block.set([0x66, 0x2e], d);
  if (m !== undefined) block.set([0x66, 0x2a], m);
  if (type === 'MXFP4') block[0] = 125;
  return block;
}

describe('dequantizeRow', () => {
  for (const [type, expected] of Object.entries(GOLDEN) as [GgmlTypeName, (number | undefined)[]][]) {
    it(`gives ${type}'s known values`, () => {
      const y = dequantize(type, goldenBlock(type));
      const found = [0, 1, 17, 31, 100, 255].map((i) => y[i]);
      found.push(y.reduce((sum, value) => sum + value, 0));
      for (const [i, value] of expected.entries()) {
        // Half a unit of the sixth digit.
        if (value !== undefined) expect(found[i]).to.be.closeTo(value, Math.abs(value) * 5e-6);
        else expect(found[i]).to.equal(undefined);
      }
    });
  }

  // Every product and sum of these formats is exact in f64, so the second derivation rounds once, to f32. That the two
  // agree to the bit also says that no step of ours rounds where it should not.
  for (const [type, formula] of Object.entries(BLOCK_FORMULAS) as [GgmlTypeName, typeof BLOCK_FORMULAS.Q4_0][]) {
    const {blockBytes, blockSize} = ggmlType(type);
    const halves = halfOffsets(type);

    // Random bits, negative, the smallest and the largest subnormal of either sign, zero, the largest half.
    for (const scale of [undefined, 0xb266, 0x0001, 0x8001, 0x03ff, 0x83ff, 0, 0x7bff]) {
      if (scale !== undefined && halves.length === 0) continue;
      const title = scale === undefined ? 'random scales' : `scales of ${halfValue(scale)}`;
      it(`equals a second derivation of ${type}, ${title}`, () => {
        const random = seededRandom(blockBytes + (scale ?? 1 << 20));
        for (let round = 0; round < 20; round++) {
          const bytes = Uint8Array.from({length: 3 * blockBytes}, () => random.u32());
          for (let at = 0; at < bytes.length; at += blockBytes) {
            for (const field of halves) {
              const bits = scale ?? (random.u32() % 0x7c00) | (random.u32() & 0x8000); // finite
              bytes.set([bits & 255, bits >> 8], at + field);
            }
            if (type === 'MXFP4') bytes[at] %= 250; // above, the values leave f32's range
          }
          // At an odd address inside a larger buffer, as rows of 18- or 34-byte blocks are.
          const shifted = new Uint8Array(bytes.length + 1);
          shifted.set(bytes, 1);
          const found = new Float32Array(3 * blockSize);
          dequantizeRow(type, shifted.subarray(1), found);
          const expected = [0, 1, 2].flatMap((i) => formula(bytes.subarray(i * blockBytes, (i + 1) * blockBytes)));
          expect(Array.from(found)).to.deep.equal(expected.map(Math.fround));
        }
      });
    }
  }

  it('widens F16 exactly, all 65,536 of them', () => {
    const bytes = new Uint8Array(Uint16Array.from({length: 65536}, (_, i) => i).buffer);
    const found = dequantize('F16', bytes);
    for (let bits = 0; bits < 65536; bits++) {
      const expected = halfValue(bits);
      if (!Object.is(found[bits], expected) || !Object.is(f16ToF32(bits), expected)) {
        expect.fail(`f16 ${bits.toString(16)} became ${found[bits]}; expected ${expected}`);
      }
    }
  });

  it('copies BF16 and F32 bit for bit', () => {
    expect(Array.from(dequantize('BF16', Uint8Array.of(0x80, 0x3f, 0x49, 0xc0, 0x01, 0x00)))).to.deep.equal([
      1,
      -3.140625,
      2 ** -133,
    ]);
    const values = Float32Array.of(1.5, -0, 2 ** -149, Number.NaN, Infinity);
    const bytes = new Uint8Array(values.buffer);
    const found = dequantize('F32', bytes);
    expect(new Uint8Array(found.buffer)).to.deep.equal(bytes);
  });

  it('writes only the values it was given, into the middle of an array', () => {
    const out = new Float32Array(96).fill(7);
    dequantizeRow('Q8_0', goldenBlock('Q8_0'), out.subarray(32, 64));
    expect(out[31]).to.equal(7);
    expect(out[64]).to.equal(7);
    expect(out[32]).to.be.closeTo(1.69958, 1e-5);
  });

  it('refuses lengths that do not fit and types without a formula', () => {
    expect(() => dequantizeRow('Q4_0', new Uint8Array(17), new Float32Array(32))).to.throw(/18 bytes; found 17/);
    expect(() => dequantizeRow('Q4_0', new Uint8Array(18), new Float32Array(31))).to.throw(/multiple of 32/);
    expect(() => dequantizeRow('IQ1_S', new Uint8Array(50), new Float32Array(256))).to.throw(/no known layout/);
    expect(() => dequantizeRow('I32', new Uint8Array(4), new Float32Array(1))).to.throw(/cannot be dequantized/);
  });

  it('says which types it knows', () => {
    expect(DEQUANTIZABLE).to.have.members(['F32', 'F16', 'BF16', ...Object.keys(BLOCK_FORMULAS)]);
  });
});

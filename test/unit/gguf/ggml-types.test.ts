// Sizes of rows and tensors.
import {expect} from 'chai';
import {
  GGML_TYPES,
  ggmlTypeById,
  halfOffsets,
  paddedRowBytes,
  rowBytes,
  tensorBytes,
} from '../../../src/gguf/ggml-types.ts';

describe('ggml types', () => {
  it('have one name and one id each', () => {
    expect(new Set(GGML_TYPES.map((type) => type.id)).size).to.equal(GGML_TYPES.length);
    expect(new Set(GGML_TYPES.map((type) => type.name)).size).to.equal(GGML_TYPES.length);
    expect(ggmlTypeById(14)?.name).to.equal('Q6_K');
    expect(ggmlTypeById(4)).to.equal(undefined);
  });

  // An odd and an even number of blocks, a row of one block, types that need no padding.
  for (const [type, n, stored, padded] of [
    ['Q6_K', 256, 210, 212],
    ['Q6_K', 1536, 1260, 1260],
    ['Q6_K', 2816, 2310, 2312],
    ['Q4_0', 32, 18, 20],
    ['Q8_0', 96, 102, 104],
    ['MXFP4', 32, 17, 20],
    ['BF16', 3, 6, 8],
    ['F32', 5, 20, 20],
  ] as const) {
    it(`store ${n} ${type} values in ${stored} bytes, ${padded} in words`, () => {
      expect(rowBytes(type, n)).to.equal(stored);
      expect(paddedRowBytes(type, n)).to.equal(padded);
      expect(tensorBytes(type, [n, 7, 2])).to.equal(14 * stored);
    });
  }

  it('have fields that fill the block, and say where the f16 ones are', () => {
    for (const {name, blockSize, blockBytes, fields} of GGML_TYPES) {
      if (blockSize <= 1) continue;
      const sizes = Object.values(fields ?? {}).map((size) => (size === 'f16' ? 2 : size));
      expect(
        sizes.reduce((sum, size) => sum + size, 0),
        name,
      ).to.equal(blockBytes);
    }
    // First, last, between, none.
    expect(halfOffsets('Q4_1')).to.deep.equal([0, 2]);
    expect(halfOffsets('Q2_K')).to.deep.equal([80, 82]);
    expect(halfOffsets('Q6_K')).to.deep.equal([208]);
    expect(halfOffsets('MXFP4')).to.deep.equal([]);
    expect(halfOffsets('F16')).to.deep.equal([]);
  });

  it('size a scalar as one value', () => {
    expect(tensorBytes('F32', [])).to.equal(4);
  });

  it('refuse half a block, an empty row and a type without a layout', () => {
    for (const n of [16, 0, -32, 32.5]) {
      expect(() => rowBytes('Q4_0', n))
        .to.throw(/multiple of 32/)
        .and.include({code: 'tensor-shape'});
    }
    expect(() => rowBytes('IQ2_XXS', 256))
      .to.throw(/IQ2_XXS/)
      .and.include({code: 'quant-unsupported'});
  });
});

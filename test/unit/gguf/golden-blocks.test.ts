// The CPU's dequantizers beside ggml's own, bit for bit.
import {expect} from 'chai';
import {dequantize} from '../../../src/gguf/dequantize.ts';
import {
  decodeValues,
  GOLDEN_TYPES,
  GOLDEN_VALUES,
  goldenInput,
  loadGoldenBlocks,
} from '../../fixtures/golden-blocks.ts';

describe('dequantize beside ggml', () => {
  for (const type of GOLDEN_TYPES) {
    it(`gives the bits of ggml's ${type} values`, async () => {
      const golden = decodeValues((await loadGoldenBlocks())[type]);
      const found = dequantize(type, goldenInput(type));
      expect(found.length).to.equal(GOLDEN_VALUES);
      found.forEach((value, i) => {
        if (!Object.is(value, golden[i])) expect.fail(`[${i}] is ${value}, ggml has ${golden[i]}`);
      });
    });
  }
});

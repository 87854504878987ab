import {getRows, WEIGHT_TYPES, type WeightType} from '../../src/engine/kernels/kernels.ts';
import {interleaveRows, rowWords} from '../../src/engine/kernels/weight-layout.ts';
import {ggmlType} from '../../src/gguf/ggml-types.ts';
import {decodeValues, GOLDEN_VALUES, goldenInput, loadGoldenBlocks} from '../fixtures/golden-blocks.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {rowData, runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import {sliceRows, testWeight} from '../helpers/gpu-weights.ts';
import * as reference from '../reference/kernels.ts';

const N_TOKENS = 11;

/** Slices are the business of the part that all types share: tried on words, half words and vectors of words. */
const SLICED: readonly WeightType[] = ['F16', 'Q6_K', 'Q4_K'];

for (const type of WEIGHT_TYPES) {
  const {blockSize} = ggmlType(type);
  // One block, three (an odd number of blocks leaves rows of Q8_0, Q4_0, Q6_K on half words), more than 64 chunks of 8;
  // for plain floats: lengths that are no multiple of 2, 4 or 32.
  const lengths = blockSize === 1 ? [1, 35, 63, 768] : blockSize === 32 ? [32, 96, 768] : [256, 768, 2304];

  describe(`get_rows_${type.toLowerCase()}`, () => {
    for (const n of lengths) {
      it(
        `gives every value of rows of ${n} exactly`,
        withDevice(async (device) => {
          const weight = testWeight(type, N_TOKENS, n);
          const tokens = [10, 0, 3, 3, 7];
          const y = await runKernel(device, getRows[type], {
            input: {
              step: stepData(tokens.length),
              rows: rowData(tokens.map((token) => ({token}))),
              weight: weight.bytes,
            },
            output: {y: tokens.length * n},
            constants: {N: n, ROW_STRIDE_WORDS: weight.rowStrideWords, N_SLICE_ROWS: N_TOKENS},
            shape: {nRows: tokens.length},
          });
          // A value takes two or three f32 operations, in the same order on both sides. Only Q4_K's subtraction may be
          // contracted with its product, which is exact anyway.
          expectSame(y, reference.getRows(weight.values, tokens, n));
        }),
      );
    }

    if (type !== 'F32') {
      it(
        "gives the values of ggml's own code exactly",
        withDevice(async (device) => {
          const n = GOLDEN_VALUES;
          const y = await runKernel(device, getRows[type], {
            input: {
              step: stepData(1),
              rows: rowData([{token: 0}]),
              weight: interleaveRows(type, n, goldenInput(type), 1),
            },
            output: {y: n},
            constants: {N: n, ROW_STRIDE_WORDS: rowWords(type, n), N_SLICE_ROWS: N_TOKENS},
            shape: {nRows: 1},
          });
          expectSame(y, decodeValues((await loadGoldenBlocks())[type]));
        }),
      );
    }

    if (!SLICED.includes(type)) return;
    it(
      'fills the rows of its slice only, scaled',
      withDevice(async (device) => {
        const n = lengths[1];
        const weight = testWeight(type, N_TOKENS, n);
        const [first, count] = [3, 5]; // 3 … 7 of 11
        const tokens = [2, 3, 7, 8, 10, 5];
        const before = new Float32Array((tokens.length + 1) * n).fill(77);
        const y = await runKernel(device, getRows[type], {
          input: {
            step: stepData(tokens.length),
            // A row behind the step's, whose token is in the slice.
            rows: rowData([...tokens, 4].map((token) => ({token}))),
            weight: sliceRows(weight, first, count),
          },
          output: {y: before},
          constants: {
            N: n,
            ROW_STRIDE_WORDS: weight.rowStrideWords,
            FIRST_ROW: first,
            N_SLICE_ROWS: count,
            SCALE: Math.sqrt(n),
          },
          shape: {nRows: tokens.length + 1},
        });
        const expected = reference.getRows(weight.values, tokens, n, Math.sqrt(n));
        tokens.forEach((token, r) => {
          if (token < first || token >= first + count) expected.fill(77, r * n, (r + 1) * n);
        });
        expectClose(y.subarray(0, expected.length), expected, 1e-6); // one more f32 rounding, and that of √n
        expectSame(y.subarray(expected.length), before.subarray(expected.length));
      }),
    );
  });
}

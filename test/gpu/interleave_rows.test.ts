import {noiseBytes} from '../../scripts/lib/noise.ts';
import {interleaveConstants} from '../../src/engine/kernels/interleave_rows.ts';
import {interleaveRows, WEIGHT_TYPES} from '../../src/engine/kernels/kernels.ts';
import * as layout from '../../src/engine/kernels/weight-layout.ts';
import {ggmlType, rowBytes} from '../../src/gguf/ggml-types.ts';
import {expectSame} from '../helpers/close.ts';
import {runKernel, withDevice} from '../helpers/gpu.ts';

/** The kernel's source: where the rows go, and the rows. */
function batch(rows: Uint8Array, firstQuad: number, nRows: number): Uint8Array {
  const bytes = new Uint8Array(16 + Math.ceil(rows.length / 4) * 4);
  new Uint32Array(bytes.buffer).set([firstQuad, nRows]);
  bytes.set(rows, 16);
  return bytes;
}

for (const type of WEIGHT_TYPES) {
  const {blockSize} = ggmlType(type);
  // Rows that end within a word and within a tile of 8; an odd number of blocks; more words than a workgroup.
  const lengths = blockSize === 1 ? [1, 37, 600] : [blockSize, 3 * blockSize, 13 * blockSize];

  describe(`interleave_rows of ${type}`, () => {
    it(
      'moves every byte to where the reference has it, and none of rows before',
      withDevice(async (device) => {
        for (const n of lengths) {
          const nRows = 11; // two quads and three rows
          const bytes = noiseBytes(nRows * rowBytes(type, n));
          const words = layout.rowWords(type, n);
          // As floats they would lose bits in neither direction: they are only copied.
          const before = new Float32Array(16 * words).fill(77);
          const y = await runKernel(device, interleaveRows, {
            input: {source: batch(bytes, 1, nRows)},
            output: {weight: before},
            constants: interleaveConstants(type, n),
            shape: {nRows},
          });
          expectSame(y.subarray(0, 4 * words), before.subarray(0, 4 * words));
          const expected = layout.interleaveRows(type, n, bytes, nRows);
          expectSame(new Uint8Array(y.buffer, 16 * words), expected);
        }
      }),
    );
  });
}

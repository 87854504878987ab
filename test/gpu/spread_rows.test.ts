import {noise} from '../../scripts/lib/noise.ts';
import {spreadRows} from '../../src/engine/kernels/spread_rows.ts';
import {expectSame} from '../helpers/close.ts';
import {runKernel, stepData, withDevice} from '../helpers/gpu.ts';

describe('spread_rows', () => {
  it(
    'gives rows their output row, the others zeros, and leaves those past the last',
    withDevice(async (device) => {
      const [n, nRows, none] = [37, 4, 2 ** 32 - 1];
      const dy = noise(2 * n, 1);
      const dx = await runKernel(device, spreadRows, {
        input: {step: stepData(nRows, 2), output_of_row: Uint32Array.from([none, 1, none, 0, 0]), dy},
        output: {dx: new Float32Array(5 * n).fill(77)},
        constants: {N: n},
        shape: {nRows: 5},
      });
      const zeros = new Float32Array(n);
      const expected = [zeros, dy.subarray(n), zeros, dy.subarray(0, n), new Float32Array(n).fill(77)];
      expectSame(dx, Float32Array.from(expected.flatMap((row) => [...row])));
    }),
  );
});

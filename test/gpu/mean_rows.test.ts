import {noise} from '../../scripts/lib/noise.ts';
import {meanRows} from '../../src/engine/kernels/kernels.ts';
import {expectClose} from '../helpers/close.ts';
import {rowData, runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

describe('mean_rows', () => {
  for (const [n, counts] of [
    [1, [1]],
    [67, [3, 1, 200]],
    [768, [5, 64]],
  ] as const) {
    it(
      `equals the reference for texts of ${counts.join(', ')} tokens, ${n} wide`,
      withDevice(async (device) => {
        const texts = counts.map((count, i) => ({count, first: counts.slice(0, i).reduce((a, b) => a + b, 0)}));
        const x = noise(n * counts.reduce((a, b) => a + b, 0));
        const y = await runKernel(device, meanRows, {
          input: {
            step: stepData(texts.length),
            rows: rowData(counts.map((count) => ({last: count - 1}))),
            output_rows: Uint32Array.from(texts, ({first}) => first),
            x,
          },
          output: {y: n * texts.length},
          constants: {N: n},
          shape: {nRows: texts.length},
        });
        expectClose(y, reference.meanRows(x, texts, n), 1e-6);
      }),
    );
  }
});

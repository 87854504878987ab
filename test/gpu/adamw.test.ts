import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {adamw, packAdamW} from '../../src/engine/kernels/adamw.ts';
import {SQUARE_SUMS, squareSums} from '../../src/engine/kernels/square_sums.ts';
import {expectClose} from '../helpers/close.ts';
import {runKernel, runKernelOutputs, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

describe('adamw', () => {
  it(
    'equals the reference over three steps, and clears the gradients',
    withDevice(async (device) => {
      const n = 300;
      let [values, first, second] = [noise(n, 1), new Float32Array(n), new Float32Array(n)];
      let expected = Array.from(values, (value): [number, number, number] => [value, 0, 0]);
      for (let step = 1; step <= 3; step++) {
        const settings = {
          scale: 0.5,
          learningRate: 0.01,
          beta1: 0.9,
          beta2: 0.999,
          epsilon: 1e-8,
          weightDecay: 0.1,
          step,
        };
        const gradients = noise(n, 1 + step);
        expected = expected.map(([value, m, v], i) => reference.adamw(settings, [value, gradients[i], m, v]));
        const outputs = await runKernelOutputs(device, adamw, {
          input: {settings: packAdamW(settings)},
          output: {values, gradients, first, second},
          constants: {},
          shape: {nRows: n},
        });
        [values, first, second] = (['values', 'first', 'second'] as const).map((name) => outputs.get(name)!);
        expectClose(outputs.get('gradients')!, new Float32Array(n), 0);
      }
      expected.forEach(([value, m, v], i) => {
        expect(values[i]).to.be.closeTo(value, 1e-6);
        expect(first[i]).to.be.closeTo(m, 1e-7);
        expect(second[i]).to.be.closeTo(v, 1e-9);
      });
    }),
  );
});

describe('square_sums', () => {
  it(
    'adds every square once',
    withDevice(async (device) => {
      const x = noise(70_001, 1); // more than one a workgroup's invocation, and not all of them as many
      const sums = await runKernel(device, squareSums, {
        input: {x},
        output: {sums: SQUARE_SUMS},
        constants: {},
        shape: {nRows: x.length},
      });
      const total = sums.reduce((sum, value) => sum + value, 0);
      expect(total).to.be.closeTo(
        x.reduce((sum, value) => sum + value * value, 0),
        1e-2,
      );
    }),
  );
});

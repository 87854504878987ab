import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {crossEntropy} from '../../src/engine/kernels/cross_entropy.ts';
import {crossEntropyBackward} from '../../src/engine/kernels/cross_entropy_backward.ts';
import {expectClose} from '../helpers/close.ts';
import {runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

const N_VOCAB = 700;
const SLICES = [
  [0, 300],
  [300, 300],
  [600, 100],
] as const;

describe('cross_entropy', () => {
  // Logits of ordinary size, of any size with a cap, and so far apart that probabilities are 0 and 1.
  for (const [softcap, size] of [
    [0, 3],
    [30, 40],
    [0, 500],
  ] as const) {
    it(
      `equals the reference over slices, ${softcap ? `capped at ${softcap}` : 'not capped'}, logits about ${size}`,
      withDevice(async (device) => {
        const nRows = 5;
        const logits = noise(nRows * N_VOCAB, 1).map((value) => size * value);
        const labels = Uint32Array.from([0, 299, 300, 650, 17]);
        const weights = Float32Array.from([1, 0.5, 1, 2, 1]);
        const {losses, gradient} = reference.crossEntropy(logits, labels, weights, softcap);
        const slice = (first: number, n: number) =>
          Float32Array.from({length: nRows * n}, (_, i) => logits[Math.floor(i / n) * N_VOCAB + first + (i % n)]);
        const step = stepData(nRows + 4, nRows);
        let sums = new Float32Array(4 * nRows).fill(77); // what a batch before has left
        for (const [first, n] of SLICES) {
          sums = await runKernel(device, crossEntropy, {
            input: {step, labels, logits: slice(first, n)},
            output: {sums},
            constants: {N: n, FIRST: first, SOFTCAP: softcap},
            shape: {nRows: nRows + 1},
          });
        }
        const found = Array.from({length: nRows}, (_, r) => sums[4 * r] + Math.log(sums[4 * r + 1]) - sums[4 * r + 2]);
        expectClose(found, losses, 1e-6);
        for (const [first, n] of SLICES) {
          const found = await runKernel(device, crossEntropyBackward, {
            input: {step, labels, weights, sums},
            output: {logits: slice(first, n)},
            constants: {N: n, FIRST: first, SOFTCAP: softcap},
            shape: {nRows},
          });
          const expected = Float64Array.from(
            {length: nRows * n},
            (_, i) => gradient[Math.floor(i / n) * N_VOCAB + first + (i % n)],
          );
          expectClose(found, expected, 2e-5); // e^l of an l of up to 500, rounded to f32
        }
      }),
    );
  }

  it('has a reference whose gradient is that of its loss', () => {
    const [labels, weights] = [
      [3, 0],
      [1, 0.5],
    ];
    const logits = Float64Array.from(noise(2 * 9, 5), (value) => 20 * value);
    const loss = () => {
      const {losses} = reference.crossEntropy(logits, labels, weights, 10);
      return losses[0] * weights[0] + losses[1] * weights[1];
    };
    const {gradient} = reference.crossEntropy(logits, labels, weights, 10);
    logits.forEach((value, i) => {
      const change = 1e-5;
      logits[i] = value + change;
      const above = loss();
      logits[i] = value - change;
      const below = loss();
      logits[i] = value;
      expect((above - below) / (2 * change)).to.be.closeTo(gradient[i], 1e-7);
    });
  });
});

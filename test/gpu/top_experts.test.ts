import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {topExperts} from '../../src/engine/kernels/kernels.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {runKernelOutputs, stepData, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

interface Options {
  scale?: number;
  expertScale?: Float32Array;
}

async function run(
  device: GPUDevice,
  logits: Float32Array,
  [nExpert, used]: readonly [number, number],
  {scale = 1, expertScale}: Options = {},
): Promise<{experts: number[]; weights: Float32Array}> {
  const nRows = logits.length / nExpert;
  const outputs = await runKernelOutputs(device, topExperts, {
    input: {step: stepData(nRows, 0), logits, expert_scale: expertScale ?? logits},
    output: {experts: nRows * used, weights: new Float32Array((nRows + 1) * used).fill(77)},
    constants: {N_EXPERT: nExpert, USED: used, SCALE: scale, HAS_SCALE: expertScale ? 1 : 0},
    shape: {nRows: nRows + 1},
  });
  const weights = outputs.get('weights')!;
  expectSame(weights.subarray(nRows * used), new Float32Array(used).fill(77));
  return {experts: [...new Uint32Array(outputs.get('experts')!.buffer)], weights: weights.subarray(0, nRows * used)};
}

describe('top_experts', () => {
  // One of one, all of them, 26B-A4B's, more experts than twice a workgroup and as many used as it has invocations.
  for (const [nExpert, used] of [
    [1, 1],
    [6, 6],
    [128, 8],
    [200, 64],
  ] as const) {
    it(
      `equals the reference for ${used} of ${nExpert}, and a row has the same bits alone`,
      withDevice(async (device) => {
        const logits = noise(5 * nExpert).map((value) => 40 * value);
        const options = {scale: Math.fround(1 / Math.sqrt(2816)), expertScale: noise(nExpert, 2)};
        const found = await run(device, logits, [nExpert, used], options);
        const expected = reference.topExperts(logits, nExpert, used, options.scale, options.expertScale);
        expect(found.experts).to.deep.equal(expected.experts);
        expectClose(found.weights, expected.weights, 1e-6);
        const alone = await run(device, logits.subarray(3 * nExpert, 4 * nExpert), [nExpert, used], options);
        expectSame(alone.weights, found.weights.subarray(3 * used, 4 * used));
      }),
    );
  }

  it(
    'takes the lowest index first among equals, and 1 for a scale that is not there',
    withDevice(async (device) => {
      const logits = Float32Array.of(2, 5, 2, 5, 5, -1e30, 2);
      const {experts, weights} = await run(device, logits, [7, 5]);
      expect(experts).to.deep.equal([1, 3, 4, 0, 2]);
      expectClose(weights, reference.topExperts(logits, 7, 5).weights, 1e-6);
    }),
  );

  it(
    'names only experts that there are when a damaged file makes the logits NaN',
    withDevice(async (device) => {
      const logits = new Float32Array(70).fill(Number.NaN);
      logits.set([3, 1], 40);
      const {experts} = await run(device, logits, [70, 8]);
      expect(Math.max(...experts)).to.be.below(70);
    }),
  );

  it(
    'stays finite for logits that are far apart',
    withDevice(async (device) => {
      const {weights} = await run(device, Float32Array.of(-1e6, 1e6, 0, 999), [4, 3]);
      expectClose(weights, [1, 0, 0], 1e-6);
    }),
  );
});

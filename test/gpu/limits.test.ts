// The other tests run with WebGPU's guaranteed limits. Here the adapter's maxima, and the same bits.

import {noise} from '../../scripts/lib/noise.ts';
import {attention, mulMat, rmsNorm} from '../../src/engine/kernels/kernels.ts';
import {expectSame} from '../helpers/close.ts';
import {rowData, runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import {testWeight} from '../helpers/gpu-weights.ts';

async function results(device: GPUDevice): Promise<Float32Array[]> {
  const weight = testWeight('Q6_K', 9, 256);
  const row = noise(256);
  const keys = noise(32 * 64, 2);
  return [
    await runKernel(device, rmsNorm, {
      input: {x: row, weight: noise(256, 3)},
      output: {y: 256},
      constants: {N: 256, EPS: 1e-6},
      shape: {nRows: 1},
    }),
    await runKernel(device, mulMat.Q6_K, {
      input: {step: stepData(1), x: row, weight: weight.bytes},
      output: {y: 9},
      constants: {N_IN: 256, N_OUT: 9, N_SLICE_ROWS: 9, ROW_STRIDE_WORDS: weight.rowStrideWords},
      shape: {nRows: 1},
    }),
    await runKernel(device, attention, {
      input: {
        step: stepData(1),
        rows: rowData([{position: 31}]),
        page_tables: new Uint32Array(1),
        q: noise(64),
        k: keys,
        v: keys,
      },
      output: {y: 64},
      constants: {N_HEAD: 1, N_HEAD_KV: 1, HEAD_DIM: 64, SCALE: 1},
      shape: {nRows: 1},
    }),
  ];
}

it('kernels give the same bits with the guaranteed limits and with the adapter’s maxima', async function () {
  const runs: Float32Array[][] = [];
  const run = async (device: GPUDevice) => void runs.push(await results(device));
  await withDevice(run).call(this);
  await withDevice(run, {limits: 'max'}).call(this);
  const [guaranteed, most] = runs;
  for (const [i, y] of most.entries()) expectSame(y, guaranteed[i]);
});

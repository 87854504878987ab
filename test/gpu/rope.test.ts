import {noise} from '../../scripts/lib/noise.ts';
import {rope, ropeTable} from '../../src/engine/kernels/kernels.ts';
import {expectClose} from '../helpers/close.ts';
import {rowData, runKernel, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

const CONTEXT = 131072;

// Gemma 4's full layers: a quarter of the pairs rotates, the factor of the others makes their angle nothing.
const partial = Array.from({length: 256}, (_, i) => (i < 64 ? 1 : 1e30));

describe('rope', () => {
  const cases = [
    {name: 'a sliding layer', nHead: 3, headDim: 256, base: 1e4, factors: undefined},
    {name: 'a full layer of Gemma 4', nHead: 1, headDim: 512, base: 1e6, factors: partial},
    {name: 'linear scaling by 8', nHead: 2, headDim: 64, base: 1e6, factors: new Float32Array(32).fill(8)},
  ];
  for (const {name, nHead, headDim, base, factors} of cases) {
    it(
      `equals the reference on ${name}, from the first position to the last of 131072`,
      withDevice(async (device) => {
        // Both tables' edges: low wraps at 256.
        const positions = [0, 1, 255, 256, 257, 65535, CONTEXT - 1];
        const x = noise(positions.length * nHead * headDim);
        const y = await runKernel(device, rope, {
          input: {
            rows: rowData(positions.map((position) => ({position}))),
            frequencies: ropeTable(headDim, base, CONTEXT, factors),
            x,
          },
          output: {y: x.length},
          constants: {N_HEAD: nHead, HEAD_DIM: headDim},
          shape: {nRows: positions.length},
        });
        // cos and sin are each off by a few f32 roundings at any position; an f32 angle would be off by 1e-2 at the end.
        expectClose(y, reference.rope(x, positions, {nHead, headDim, base, factors}), 2e-6);
      }),
    );
  }
});

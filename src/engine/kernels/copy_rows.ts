// Binds shaders/copy_rows.wgsl. nRows counts outputs.
import shader from '../../../shaders/copy_rows.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Gathers the rows that go through the head. nRows counts outputs. */
export const copyRows = defineKernel(shader, {
  bindings: ['step', 'output_rows', 'x', 'y'],
  constants: ['N', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});

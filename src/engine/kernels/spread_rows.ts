// Binds shaders/spread_rows.wgsl.
import shader from '../../../shaders/spread_rows.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Each row ← the output row that it is, or zeros. */
export const spreadRows = defineKernel(shader, {
  bindings: ['step', 'output_of_row', 'dy', 'dx'],
  constants: ['N', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});

// Binds shaders/mean_rows.wgsl. nRows counts texts.
import shader from '../../../shaders/mean_rows.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The mean of the rows of each text. nRows counts texts. */
export const meanRows = defineKernel(shader, {
  bindings: ['step', 'rows', 'output_rows', 'x', 'y'],
  constants: ['N', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});

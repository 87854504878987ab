// Binds shaders/sum_parts.wgsl. nRows counts the rows of y where N_ROWS is 0.
import shader from '../../../shaders/sum_parts.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** y (+)= the sum over the parts of a product. */
export const sumParts = defineKernel(shader, {
  bindings: ['step', 'partial', 'y'],
  constants: ['WORKGROUP_SIZE', 'N_ROWS', 'WIDTH', 'PARTS', 'ROW_STRIDE', 'PART_STRIDE', 'ROWS', 'ACCUMULATE'],
  defaults: {N_ROWS: 0, ROWS: 0, ACCUMULATE: 0},
  grid: ({nRows}: RowShape, {N_ROWS, WIDTH, WORKGROUP_SIZE}) => elementwise((N_ROWS || nRows) * WIDTH, WORKGROUP_SIZE),
});

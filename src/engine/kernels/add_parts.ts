// Binds shaders/add_parts.wgsl. nRows counts the rows that ROWS names.
import shader from '../../../shaders/add_parts.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** y ← the sum over the parts of a product. */
export const addParts = defineKernel(shader, {
  bindings: ['step', 'partial', 'y'],
  constants: ['N', 'PARTS', 'ROWS', 'WORKGROUP_SIZE'],
  defaults: {ROWS: 0},
  grid: ({nRows}: RowShape, {N, WORKGROUP_SIZE}) => elementwise(nRows * N, WORKGROUP_SIZE),
});

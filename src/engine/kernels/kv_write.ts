// Binds shaders/kv_write.wgsl.
import shader from '../../../shaders/kv_write.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Writes each row's keys or values to its slot. */
export const kvWrite = defineKernel(shader, {
  bindings: ['step', 'rows', 'page_tables', 'src', 'cache'],
  constants: ['WIDTH', 'PAGE_SIZE', 'WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {WIDTH, WORKGROUP_SIZE}) => elementwise(nRows * WIDTH, WORKGROUP_SIZE),
});

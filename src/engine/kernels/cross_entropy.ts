// Binds shaders/cross_entropy.wgsl. nRows counts output rows.
import shader from '../../../shaders/cross_entropy.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** Adds a slice of the vocabulary to what each row's loss is made of. */
export const crossEntropy = defineKernel(shader, {
  bindings: ['step', 'labels', 'logits', 'sums'],
  constants: ['WORKGROUP_SIZE', 'N', 'FIRST', 'SOFTCAP'],
  grid: ({nRows}: RowShape) => spread(nRows),
});

// Binds shaders/top_experts.wgsl.
import shader from '../../../shaders/top_experts.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** The experts with the largest logits of each row, and their weights. */
export const topExperts = defineKernel(shader, {
  bindings: ['step', 'logits', 'expert_scale', 'experts', 'weights'],
  constants: ['N_EXPERT', 'USED', 'SCALE', 'HAS_SCALE'],
  grid: ({nRows}: RowShape) => spread(nRows),
});

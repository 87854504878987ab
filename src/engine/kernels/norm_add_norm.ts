// Binds shaders/norm_add_norm.wgsl.
import shader from '../../../shaders/norm_add_norm.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

import {type Joining, reducing} from './weight-kernels.ts';

const define = (joining: Joining) =>
  defineKernel(reducing(shader, joining), {
    bindings: ['step', 'y', 'weight', 'h', 'scale', 'next_weight', 'sum', 'normed'],
    constants: ['N', 'EPS', 'ROWS'],
    grid: ({nRows}: RowShape) => spread(nRows),
  });

const variants = {shared: define('shared'), subgroups: define('subgroups')};

/** The same for whole rows, and the next norm of the sum. */
export const normAddNormFor = (joining: Joining = 'shared') => variants[joining];

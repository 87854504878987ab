// Binds shaders/norm_add.wgsl. nRows counts vectors.
import shader from '../../../shaders/norm_add.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

import {type Joining, reducing} from './weight-kernels.ts';

const define = (joining: Joining) =>
  defineKernel(reducing(shader, joining), {
    bindings: ['y', 'weight', 'h', 'scale', 'sum'],
    constants: ['N', 'EPS'],
    grid: ({nRows}: RowShape) => spread(nRows),
  });

const variants = {shared: define('shared'), subgroups: define('subgroups')};

/** sum = (h + y / RMS(y) · weight) · scale, a vector a workgroup. nRows counts vectors. */
export const normAddFor = (joining: Joining = 'shared') => variants[joining];

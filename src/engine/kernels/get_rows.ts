// Binds shaders/get_rows.wgsl for every weight type.
import shader from '../../../shaders/get_rows.wgsl';
import {spread} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';
import {byType, forWeightType} from './weight-kernels.ts';

/** get_rows_<type>, by weight type. */
export const getRows = byType((type) =>
  forWeightType(type, shader, (complete) =>
    defineKernel(complete, {
      bindings: ['step', 'rows', 'weight', 'y'],
      constants: ['N', 'ROW_STRIDE_WORDS', 'FIRST_ROW', 'N_SLICE_ROWS', 'SCALE'],
      grid: ({nRows}: RowShape) => spread(nRows),
    }),
  ),
);

// Products of a prompt's rows by register tiles; rows that continue answers stay with the kernel for few rows, so that
// each kind of row has the same bits in every step.
import {mulMatFor, mulMatTiled, tiledWorkgroup, tilesFor} from '../kernels/kernels.ts';
import {type Lowering, ROWS_CONSTANT, work} from './lowering.ts';
import {plain, slicesOf} from './plain.ts';

/** @param maxRows rows of a step */
export function productLowering(maxRows: number): Pick<Lowering, 'linear'> {
  return {
    linear(operation, context) {
      const {
        inputs: {weight, x},
        outputs: {y},
      } = operation;
      if (x.over === 'outputs' || weight.width % 4 !== 0 || maxRows === 1) return plain.linear(operation, context);
      return slicesOf(weight, context).flatMap(({type, strideWords, firstRow, nRows, slice}) => {
        const bindings = {step: 'step', x, weight: slice, y} as const;
        const matrix = {
          N_IN: weight.width,
          N_SLICE_ROWS: nRows,
          FIRST_ROW: firstRow,
          N_OUT: weight.nOut,
          ROW_STRIDE_WORDS: strideWords,
        };
        const tiles = tilesFor(nRows);
        const tiled = {...matrix, ...tiles, WORKGROUP_SIZE: tiledWorkgroup(tiles), ROWS: ROWS_CONSTANT.prompt};
        return [
          work(mulMatFor(type, weight.width), {...matrix, ROWS: ROWS_CONSTANT.decode}, bindings, {rows: 'decode'}),
          work(mulMatTiled[type], tiled, bindings, {rows: 'prompt'}),
        ];
      });
    },
  };
}

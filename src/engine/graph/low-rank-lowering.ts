// The low-rank terms of adapters as dispatches; left out of steps in which no row uses an adapter. Rows that continue answers
// take one a site where a row of x is short; prompts, and long rows, one for all A of the site and one for all B.
import {lora, loraA, loraB} from '../kernels/kernels.ts';
import type {FusedOperation} from './fused.ts';
import {type Lowering, ROWS_CONSTANT, type RowKind, type ScratchTensor, type Work, work} from './lowering.ts';

/** Values from where every workgroup's own A · x costs more than a dispatch. */
const LONG_ROW = 6144;

/** @param maxRows rows of a step */
export function lowRankLowering(maxRows: number): Pick<Lowering<FusedOperation>, 'lowRank'> {
  return {
    lowRank({inputs: {x}, outputs: {y}, attributes: {site, nTerms, nColumns}}): Work[] {
      const step = {step: 'step', rows: 'rows', mixes: 'mixes'} as const;
      const terms = {kind: 'adapters', site, holds: 'terms'} as const;
      const factors = {kind: 'adapters', site, holds: 'factors'} as const;
      const of = {...step, terms, factors};
      const outer = {N_OUT: y.width, N_COLUMNS: nColumns, N_TERMS: nTerms};
      if (!x) return [work(loraB, {...outer, GATHER: 1}, {...of, t: factors, y}, {rows: 'adapted'})];
      const t: ScratchTensor = {kind: 'scratch', name: 'low-rank columns', bytes: 4 * maxRows * nColumns};
      const two = (ROWS: number, rows: RowKind): Work[] => [
        work(loraA, {WORKGROUP_SIZE: 256, N_IN: x.width, N_COLUMNS: nColumns, ROWS}, {...of, x, t}, {rows}),
        work(loraB, {...outer, ROWS}, {...of, t, y}, {rows}),
      ];
      if (x.width >= LONG_ROW || x.width % 4 !== 0) return two(ROWS_CONSTANT.all, 'adapted');
      const constants = {N_IN: x.width, N_OUT: y.width, N_TERMS: nTerms, ROWS: ROWS_CONSTANT.decode};
      const one = work(lora, constants, {...of, x, y}, {rows: 'adaptedDecode'});
      const onlyFew = x.over === 'outputs' || maxRows === 1;
      return [...(onlyFew ? [] : two(ROWS_CONSTANT.prompt, 'adaptedPrompt')), one];
    },
  };
}

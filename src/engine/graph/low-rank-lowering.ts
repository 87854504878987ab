// The low-rank terms of adapters as dispatches: one for all A of a site, one for all B; left out of steps in which no row
// uses an adapter.
import {loraA, loraB} from '../kernels/kernels.ts';
import type {FusedOperation} from './fused.ts';
import {type Lowering, type ScratchTensor, type Work, work} from './lowering.ts';

/** Values from where a workgroup of more invocations pays. */
const LONG_ROW = 2048;

/** @param maxRows rows of a step */
export function lowRankLowering(maxRows: number): Pick<Lowering<FusedOperation>, 'lowRank'> {
  return {
    lowRank({inputs: {x}, outputs: {y}, attributes: {site, nTerms, nColumns}}): Work[] {
      const step = {step: 'step', rows: 'rows', mixes: 'mixes'} as const;
      const terms = {kind: 'adapters', site, holds: 'terms'} as const;
      const factors = {kind: 'adapters', site, holds: 'factors'} as const;
      const of = {...step, terms, factors};
      const constants = {N_OUT: y.width, N_COLUMNS: nColumns, N_TERMS: nTerms};
      const rows = {rows: 'withAdapters'} as const;
      if (!x) return [work(loraB, {...constants, GATHER: 1}, {...of, t: factors, y}, rows)];
      const t: ScratchTensor = {kind: 'scratch', name: 'low-rank columns', bytes: 4 * maxRows * nColumns};
      const inner = {WORKGROUP_SIZE: x.width < LONG_ROW ? 64 : 256, N_IN: x.width, N_COLUMNS: nColumns};
      return [work(loraA, inner, {...of, x, t}, rows), work(loraB, constants, {...of, t, y}, rows)];
    },
  };
}

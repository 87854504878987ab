// The low-rank terms of adapters as dispatches; left out of steps in which no row uses an adapter. Rows that continue answers
// take one a site where a row of x is short; prompts, and long rows, one for all A of the site and one for all B.
import {lora, loraA, loraB, loraGeglu} from '../kernels/kernels.ts';
import type {FusedOperation} from './fused.ts';
import type {Activation} from './graph.ts';
import {type Lowering, ROWS_CONSTANT, type RowKind, type ScratchTensor, type Work, work} from './lowering.ts';

/** Values from where every workgroup's own A · x costs more than a dispatch. */
const LONG_ROW = 6144;

interface Terms {
  site: string;
  nTerms: number;
  nColumns: number;
}

/** @param maxRows rows of a step */
export function lowRankLowering(maxRows: number): Pick<Lowering<FusedOperation>, 'lowRank' | 'lowRankGated'> {
  const step = {step: 'step', rows: 'rows', mixes: 'mixes'} as const;
  const bound = (site: string) =>
    ({
      ...step,
      terms: {kind: 'adapters', site, holds: 'terms'},
      factors: {kind: 'adapters', site, holds: 'factors'},
    }) as const;

  /** y += B · (A · x) of the rows that the constant ROWS names. */
  function two({site, nTerms, nColumns}: Terms, x: Activation, y: Activation, ROWS: number, rows: RowKind): Work[] {
    const t: ScratchTensor = {kind: 'scratch', name: 'low-rank columns', bytes: 4 * maxRows * nColumns};
    const inner = {WORKGROUP_SIZE: 256, N_IN: x.width, N_COLUMNS: nColumns, ROWS};
    const outer = {N_OUT: y.width, N_COLUMNS: nColumns, N_TERMS: nTerms, ROWS};
    return [work(loraA, inner, {...bound(site), x, t}, {rows}), work(loraB, outer, {...bound(site), t, y}, {rows})];
  }

  const long = (x: Activation) => x.width >= LONG_ROW || x.width % 4 !== 0;
  const hasPrompts = (x: Activation) => x.over === 'rows' && maxRows > 1;

  return {
    lowRank({inputs: {x}, outputs: {y}, attributes}): Work[] {
      const {site, nTerms, nColumns} = attributes;
      if (!x) {
        const constants = {GATHER: 1, N_OUT: y.width, N_COLUMNS: nColumns, N_TERMS: nTerms};
        const {factors} = bound(site);
        return [work(loraB, constants, {...bound(site), t: factors, y}, {rows: 'adapted'})];
      }
      if (long(x)) return two(attributes, x, y, ROWS_CONSTANT.all, 'adapted');
      const constants = {N_IN: x.width, N_OUT: y.width, N_TERMS: nTerms, ROWS: ROWS_CONSTANT.decode};
      return [
        ...(hasPrompts(x) ? two(attributes, x, y, ROWS_CONSTANT.prompt, 'adaptedPrompt') : []),
        work(lora, constants, {...bound(site), x, y}, {rows: 'adaptedDecode'}),
      ];
    },

    lowRankGated({inputs: {x, gateUp}, outputs: {y}, attributes}): Work[] {
      const gated = (kind: 'all' | 'decode' | 'prompt', N_TERMS: number): Work =>
        work(
          loraGeglu,
          {N_IN: x.width, N: y.width, N_TERMS, ROWS: ROWS_CONSTANT[kind]},
          {...bound(attributes.site), x, gate_up: gateUp, y},
          {rows: kind},
        );
      if (long(x)) return [...two(attributes, x, gateUp, ROWS_CONSTANT.all, 'adapted'), gated('all', 0)];
      const prompts = () => [...two(attributes, x, gateUp, ROWS_CONSTANT.prompt, 'adaptedPrompt'), gated('prompt', 0)];
      return [...(hasPrompts(x) ? prompts() : []), gated('decode', attributes.nTerms)];
    },
  };
}

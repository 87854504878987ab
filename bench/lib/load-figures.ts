// What is measured of a load.
import type {LoadTimes} from './load-times.ts';

/** Where the per-layer embedding table lies. */
export type Table = 'gpu' | 'host';

export interface LoadFigures {
  weightBytes: number;
  kvBytes: number;
  scratchBytes: number;
  times: LoadTimes;
}

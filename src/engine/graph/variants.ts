// Which faster kernels stand in for the plain ones. Each can be switched by itself; with all of them off an engine runs
// the reference.
import {type AttentionSizes, attentionLowering} from './attention-lowering.ts';
import type {Lowering} from './lowering.ts';
import {plain} from './plain.ts';

export interface Variants {
  /** Attention split over workgroups in decode, in tiles for prompts. */
  attention: boolean;
  /** Kernels that use subgroups, where there are any. Needs the device's feature. */
  subgroups: boolean;
}

export const PLAIN: Variants = {attention: false, subgroups: false};

export function loweringOf({attention, subgroups}: Variants, sizes: AttentionSizes): Lowering {
  return {...plain, ...(attention && attentionLowering(sizes, subgroups))};
}

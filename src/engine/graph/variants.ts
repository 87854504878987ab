// Which faster kernels stand in for the plain ones. Each can be switched by itself; with all of them off an engine runs
// the reference.
import {type AttentionSizes, attentionLowering} from './attention-lowering.ts';
import type {Lowering} from './lowering.ts';
import {plain} from './plain.ts';
import {productLowering} from './product-lowering.ts';

export interface Variants {
  /** Attention split over workgroups in decode, in tiles for prompts. */
  attention: boolean;
  /** Products of a prompt's rows by register tiles. */
  products: boolean;
  /** What follows the last keys and values runs over the output rows only. The same bits. */
  outputTail: boolean;
  /** Kernels that use subgroups, where there are any. Needs the device's feature. */
  subgroups: boolean;
}

export const PLAIN: Variants = {attention: false, products: false, outputTail: false, subgroups: false};

export function loweringOf({attention, products, subgroups}: Variants, sizes: AttentionSizes): Lowering {
  return {
    ...plain,
    ...(attention && attentionLowering(sizes, subgroups)),
    ...(products && productLowering(sizes.maxRows)),
  };
}

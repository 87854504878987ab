// Which faster kernels stand in for the plain ones. Each can be switched by itself; with all of them off an engine runs
// the reference.
import {type AttentionSizes, attentionLowering} from './attention-lowering.ts';
import {type FusedOperation, type Fusions, fuse, type Kept} from './fused.ts';
import type {Graph} from './graph.ts';
import {lowRankLowering} from './low-rank-lowering.ts';
import type {Lowering, LoweringContext} from './lowering.ts';
import {plain} from './plain.ts';
import {productLowering} from './product-lowering.ts';

export interface Variants {
  /** Attention split over workgroups in decode, in tiles for prompts. */
  attention: boolean;
  /** Products of a prompt's rows by register tiles. */
  products: boolean;
  /** Their sums split over workgroups where few outputs make few, into parts of at least so many values; 0: none. */
  partLength: number;
  /** What follows the last keys and values runs over the output rows only. The same bits. */
  outputTail: boolean;
  /** Which neighbours become one operation. */
  fusions: Fusions;
  /** Tokens are chosen on the GPU where it can choose as the CPU would. */
  sampling: boolean;
  /** A step whose tokens the GPU chose is followed at once by the next, before anyone asks for it. With `sampling` only. */
  ahead: boolean;
  /** Kernels that use subgroups, where there are any. Needs the device's feature. */
  subgroups: boolean;
  /** In products of few rows, teams of invocations as large as it takes to fill the device. */
  teams: boolean;
  /** The largest subgroup that the device may have. */
  subgroupSize: number;
  /** Invocations that fill the device. */
  lanes: number;
}

const NO_FUSIONS: Fusions = {qkv: false, gated: false, norms: false, prepared: false, normed: 0};

export const PLAIN: Variants = {
  attention: false,
  products: false,
  partLength: 0,
  outputTail: false,
  fusions: NO_FUSIONS,
  sampling: false,
  ahead: false,
  subgroups: false,
  teams: false,
  subgroupSize: 128, // WebGPU's largest
  lanes: 50_000, // measured on an H200: more of them share a sum only where there are fewer outputs
};

/** The graph that is run. */
export const rewrite = (
  graph: Graph,
  {fusions, attention, subgroups}: Variants,
  context: LoweringContext,
  keep?: Kept,
): Graph<FusedOperation> =>
  fuse(
    graph,
    {
      ...fusions,
      prepared: fusions.prepared && attention && subgroups,
      // What products that are kept for adapters read stays a tensor of its own.
      normed: subgroups && !keep ? fusions.normed : 0,
    },
    context,
    keep,
  );

/** How each operation is run, with these variants. */
export function loweringOf(variants: Variants, sizes: AttentionSizes): Lowering<FusedOperation> {
  const {attention, products, partLength, teams, subgroups, subgroupSize, lanes, fusions} = variants;
  const joining = subgroups ? 'subgroups' : 'shared';
  const parallelism = {joining, subgroupSize, lanes: teams ? lanes : 0, tiles: products, partLength} as const;
  const faster = {...productLowering(parallelism, sizes.maxRows), ...attentionLowering(sizes, subgroups)};
  const usesPlain = !products && !teams && !Object.values(fusions).some(Boolean);
  return {
    ...faster,
    ...plain,
    ...lowRankLowering(sizes.maxRows),
    ...(!usesPlain && faster),
    attention: attention ? faster.attention : plain.attention,
  };
}

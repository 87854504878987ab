// How many invocations share a sum in products of few rows: enough that the outputs of one matrix fill the device, and no
// more than there is work for.
import type {Joining} from './weight-kernels.ts';
import {ROWS_BESIDE} from './weight-layout.ts';

export interface Parallelism {
  joining: Joining;
  /** The largest subgroup that the device may have: a team is no smaller. */
  subgroupSize: number;
  /** Invocations that fill the device. */
  lanes: number;
  /** Prompts by register tiles. */
  tiles: boolean;
  /** Values of a part of a sum at least where tiles split it over workgroups; 0: none is split. */
  partLength: number;
}

/** Values that an invocation takes at a time, as in shaders/lib/weights_*.wgsl. */
const TILE_VALUES = 8;
/** Workgroup memory holds the sums of one workgroup: 256 invocations by subgroups, 64 without. */
const MAX_TEAM: Readonly<Record<Joining, number>> = {subgroups: 256, shared: 64};
const MIN_TEAM = 8;
const WORKGROUP_SIZE = 64;

/** The overrides TEAM and WORKGROUP_SIZE of a product of `nOut` outputs. They decide the order of sums: never by rows. */
export function teamOf(nIn: number, nOut: number, {joining, subgroupSize, lanes}: Parallelism) {
  if (nIn % 4 !== 0) return {TEAM: MIN_TEAM, WORKGROUP_SIZE}; // these have no subgroup form
  const least = joining === 'subgroups' ? subgroupSize : MIN_TEAM;
  const quads = Math.ceil(nOut / ROWS_BESIDE);
  let team = least;
  while (team < MAX_TEAM[joining] && team < nIn / TILE_VALUES && team * quads < lanes) team *= 2;
  return {TEAM: team, WORKGROUP_SIZE: Math.max(team, WORKGROUP_SIZE)};
}

// What an invocation knows of itself, and sums over its workgroup by subgroups.
struct Invocation {
  @builtin(local_invocation_index) lid: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
}

fn begin(at: Invocation) -> u32 {
  lanes = at.lanes;
  lane = at.lane;
  return at.lid;
}

#include "lib/subgroup_reduce.wgsl"

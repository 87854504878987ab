// What an invocation knows of itself, and sums over its workgroup, without subgroups.
struct Invocation {
  @builtin(local_invocation_index) lid: u32,
}

fn begin(at: Invocation) -> u32 {
  return at.lid;
}

#include "lib/workgroup_reduce.wgsl"

// Sums over teams of TEAM invocations by subgroups of any size up to TEAM, for up to ROW_TILE rows, four outputs each.
// Takes invocations of a subgroup to be neighbours by local index, as they are everywhere; the self-test would notice.
// Needs WORKGROUP_SIZE, TEAM and ROW_TILE.
struct Invocation {
  @builtin(local_invocation_index) lid: u32,
  @builtin(subgroup_size) lanes: u32,
  @builtin(subgroup_invocation_id) lane: u32,
}

const MIN_LANES = 4u; // WebGPU's smallest subgroup

var<workgroup> partial: array<vec4f, ROW_TILE * WORKGROUP_SIZE / MIN_LANES>;

fn contribute(r: u32, sums: vec4f, at: Invocation) {
  let all = subgroupAdd(sums);
  if (at.lane == 0u) {
    partial[r * (WORKGROUP_SIZE / MIN_LANES) + at.lid / at.lanes] = all;
  }
}

// Every invocation must call, after its contributions.
fn join(at: Invocation) {
  workgroupBarrier();
}

fn total(r: u32, team: u32, at: Invocation) -> vec4f {
  var sums = vec4f();
  let count = TEAM / at.lanes;
  for (var i = 0u; i < count; i++) {
    sums += partial[r * (WORKGROUP_SIZE / MIN_LANES) + team * count + i];
  }
  return sums;
}

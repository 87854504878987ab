// Sums over teams of TEAM invocations by way of workgroup memory, for up to ROW_TILE rows, four outputs each. For devices
// without subgroups. Needs WORKGROUP_SIZE, TEAM and ROW_TILE.
struct Invocation {
  @builtin(local_invocation_index) lid: u32,
}

const JOINED = 8u; // so many sums are added by one invocation in the end

var<workgroup> partial: array<vec4f, ROW_TILE * WORKGROUP_SIZE>;

fn contribute(r: u32, sums: vec4f, at: Invocation) {
  partial[r * WORKGROUP_SIZE + at.lid] = sums;
}

// Every invocation must call, after its contributions.
fn join(at: Invocation) {
  workgroupBarrier();
  for (var width = TEAM / 2u; width >= JOINED; width /= 2u) {
    if (at.lid % TEAM < width) {
      for (var r = 0u; r < ROW_TILE; r++) {
        partial[r * WORKGROUP_SIZE + at.lid] += partial[r * WORKGROUP_SIZE + at.lid + width];
      }
    }
    workgroupBarrier();
  }
}

fn total(r: u32, team: u32, at: Invocation) -> vec4f {
  var sums = vec4f();
  for (var i = 0u; i < min(TEAM, JOINED); i++) {
    sums += partial[r * WORKGROUP_SIZE + team * TEAM + i];
  }
  return sums;
}

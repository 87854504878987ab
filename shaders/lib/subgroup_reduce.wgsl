// workgroup_sum of workgroup_reduce.wgsl by subgroups: one barrier before and one after instead of one a level. Takes
// invocations of a subgroup to be neighbours by local index. Needs WORKGROUP_SIZE, `lanes` (the subgroup's size) and
// `lane` (the place in it).
var<workgroup> reduce_scratch: array<f32, WORKGROUP_SIZE / 4u>; // WebGPU's smallest subgroup has 4
var<private> lanes: u32;
var<private> lane: u32;

fn workgroup_sum(value: f32, lid: u32) -> f32 {
  let all = subgroupAdd(value);
  workgroupBarrier(); // the scratch may still be read for an earlier reduction
  if (lane == 0u) {
    reduce_scratch[lid / lanes] = all;
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < WORKGROUP_SIZE / lanes; i++) {
    sum += reduce_scratch[i];
  }
  return sum;
}

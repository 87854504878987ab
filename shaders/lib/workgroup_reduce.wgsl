// Sum and maximum over a workgroup of WORKGROUP_SIZE (a power of two) invocations: a tree in a fixed order, so equal
// inputs give equal bits. Every invocation must call, and every one gets the result.
var<workgroup> reduce_scratch: array<f32, WORKGROUP_SIZE>;

fn workgroup_sum(value: f32, lid: u32) -> f32 {
  workgroupBarrier(); // the scratch may still be read for an earlier reduction
  reduce_scratch[lid] = value;
  workgroupBarrier();
  for (var width = WORKGROUP_SIZE / 2u; width > 0u; width /= 2u) {
    if (lid < width) {
      reduce_scratch[lid] += reduce_scratch[lid + width];
    }
    workgroupBarrier();
  }
  return reduce_scratch[0];
}

fn workgroup_max(value: f32, lid: u32) -> f32 {
  workgroupBarrier();
  reduce_scratch[lid] = value;
  workgroupBarrier();
  for (var width = WORKGROUP_SIZE / 2u; width > 0u; width /= 2u) {
    if (lid < width) {
      reduce_scratch[lid] = max(reduce_scratch[lid], reduce_scratch[lid + width]);
    }
    workgroupBarrier();
  }
  return reduce_scratch[0];
}

// Sums of four values over a workgroup of WORKGROUP_SIZE (a power of two) invocations, by a tree in a fixed order. Every
// invocation must call, and every one gets the result.
var<workgroup> sum4_scratch: array<vec4f, WORKGROUP_SIZE>;

fn workgroup_sum4(value: vec4f, lid: u32) -> vec4f {
  workgroupBarrier(); // the scratch may still be read for an earlier sum
  sum4_scratch[lid] = value;
  workgroupBarrier();
  for (var width = WORKGROUP_SIZE / 2u; width > 0u; width /= 2u) {
    if (lid < width) {
      sum4_scratch[lid] += sum4_scratch[lid + width];
    }
    workgroupBarrier();
  }
  return sum4_scratch[0];
}

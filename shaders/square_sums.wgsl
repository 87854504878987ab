// square_sums — the squares of all values, added in as many parts as there are workgroups: a gradient's global norm.
//
//   sums[w] = Σ x[i]²      over the i of workgroup w
//
// Shapes    x: [n] f32; sums: [SUMS] f32
// Dispatch  SUMS workgroups
// Numerics  f32, each invocation's one after the other, then a tree: equal values give equal bits
// Reference test/gpu/adamw.test.ts

override WORKGROUP_SIZE: u32 = 256u; // a power of two, for the tree sum
override SUMS: u32 = 256u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn square_sums(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  var sum = 0.0;
  for (var i = wid.x * WORKGROUP_SIZE + lid; i < arrayLength(&x); i += SUMS * WORKGROUP_SIZE) {
    sum = fma(x[i], x[i], sum);
  }
  let total = workgroup_sum(sum, lid);
  if (lid == 0u) {
    sums[wid.x] = total;
  }
}

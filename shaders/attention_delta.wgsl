// attention_delta — what each query's softmax needs on the way back besides its scores: the logarithm of its denominator, and
// the product of its result with the gradient of that, which is how much all its weights together would change.
//
//   statistics[h] = (log_sums[h], y[h] · dy[h])
//
// Shapes    y, dy: [n_rows · N_HEAD, HEAD_DIM] f32; log_sums: [n_rows · N_HEAD]; statistics: [n_rows · N_HEAD, 2]
// Dispatch  one workgroup a head of a row; those past the end of statistics do nothing
// Numerics  f32, 64 partial sums and a tree
// Source    Dao et al., "FlashAttention" (2022), appendix B.2
// Reference test/reference/attention_backward.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum
override N_HEAD: u32; // read by the grid only
override HEAD_DIM: u32;

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> log_sums: array<f32>;
@group(0) @binding(3) var<storage, read_write> statistics: array<vec2f>;

#include "lib/linear.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn attention_delta(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let head = linear_workgroup(wid, grid);
  if (head >= arrayLength(&statistics)) {
    return;
  }
  var sum = 0.0;
  for (var i = lid; i < HEAD_DIM; i += WORKGROUP_SIZE) {
    sum += y[head * HEAD_DIM + i] * dy[head * HEAD_DIM + i];
  }
  let delta = workgroup_sum(sum, lid);
  if (lid == 0u) {
    statistics[head] = vec2f(log_sums[head], delta);
  }
}

// gaussian_topk — activation sparsity of Gemma 3n: only the largest gates of a row pass.
//
//   y[r, i] = max(x[r, i] − (mean(x[r]) + KAPPA · std(x[r])), 0)
//
// Shapes    x, y: [n_rows, N] f32
// Dispatch  one workgroup a row; those past the end of y do nothing
// Numerics  f32; the variance is the mean of squared differences from the mean, so nothing cancels. It divides by N, as
//           in training (llama.cpp divides by N − 1: 6e-5 at the width of E2B)
// Source    llama.cpp: gaussian_topk in gemma3n-iswa.cpp; You et al., "Spark Transformer" (2025)
// Reference test/reference/gaussian_topk.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum
override N: u32;
override KAPPA: f32; // Φ⁻¹ of the share of values that become zero

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn gaussian_topk(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let first = linear_workgroup(wid, grid) * N;
  if (first + N > arrayLength(&y)) {
    return;
  }
  var sum = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    sum += x[first + i];
  }
  let mean = workgroup_sum(sum, lid) / f32(N);
  var squares = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    let difference = x[first + i] - mean;
    squares += difference * difference;
  }
  let cutoff = mean + KAPPA * sqrt(workgroup_sum(squares, lid) / f32(N));
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    y[first + i] = max(x[first + i] - cutoff, 0.0);
  }
}

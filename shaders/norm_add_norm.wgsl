// norm_add_norm — the end of a branch and the beginning of the next: norm_add, then the norm of its sum.
//
//   sum[r, i]    = (h[r, i] + y[r, i] / sqrt(mean(y[r]²) + EPS) · weight[i]) · scale[0]
//   normed[r, i] = sum[r, i] / sqrt(mean(sum[r]²) + EPS) · next_weight[i]
//
// Shapes    y, h, sum, normed: [n_rows, N] f32; weight, next_weight: [N] f32; scale: [1] f32
// Dispatch  one workgroup a row; those beyond the end of sum do nothing
// Numerics  as rms_norm and add_scaled, with 256 partial sums
// Reference test/reference/rms_norm.ts and add_scaled.ts

const WORKGROUP_SIZE = 256u;

override N: u32;
override EPS: f32;

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read> h: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read> next_weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> sum: array<f32>;
@group(0) @binding(6) var<storage, read_write> normed: array<f32>;

#include "lib/linear.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn norm_add_norm(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let first = linear_workgroup(wid, grid) * N;
  if (first + N > arrayLength(&sum)) {
    return;
  }
  var squares = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    squares += y[first + i] * y[first + i];
  }
  let factor = 1.0 / sqrt(workgroup_sum(squares, lid) / f32(N) + EPS);
  squares = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    let value = (h[first + i] + y[first + i] * factor * weight[i]) * scale[0];
    sum[first + i] = value;
    squares += value * value;
  }
  let next_factor = 1.0 / sqrt(workgroup_sum(squares, lid) / f32(N) + EPS);
  // An invocation reads back what it wrote itself.
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    normed[first + i] = sum[first + i] * next_factor * next_weight[i];
  }
}

// rms_norm_backward — from the gradient of rms_norm's result to that of its input. The weight is frozen.
//
//   r = 1 / sqrt(mean_j(x[v, j]²) + EPS), g[i] = weight[i] · dy[v, i]      (without HAS_WEIGHT: g = dy)
//   dx[v, i] = r · (g[i] − r² · x[v, i] · mean_j(g[j] · x[v, j]))          (with ACCUMULATE added to what dx is)
//
// Shapes    x, dy, dx: [n_vectors, N] f32 row-major, a vector being a row or a head of a row; weight: [N] f32
// Dispatch  one workgroup a vector; those past the end of dx do nothing
// Numerics  sums in f32, 64 partial sums and a tree, of r · x, so that no product of large values overflows
// Reference test/reference/rms_norm_backward.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum
override N: u32;
override EPS: f32;
override HAS_WEIGHT: u32 = 1u;
override ACCUMULATE: u32 = 0u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>; // any buffer without HAS_WEIGHT
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

#include "lib/linear.wgsl"
#include "lib/workgroup_reduce.wgsl"

fn weighted_gradient(first: u32, i: u32) -> f32 {
  if (HAS_WEIGHT != 0u) {
    return weight[i] * dy[first + i];
  }
  return dy[first + i];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn rms_norm_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let first = linear_workgroup(wid, grid) * N;
  if (first + N > arrayLength(&dx)) {
    return;
  }
  var square_sum = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    square_sum += x[first + i] * x[first + i];
  }
  let scale = 1.0 / sqrt(workgroup_sum(square_sum, lid) / f32(N) + EPS);
  var along = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    along += weighted_gradient(first, i) * (scale * x[first + i]);
  }
  let mean = workgroup_sum(along, lid) / f32(N);
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    var value = scale * (weighted_gradient(first, i) - scale * x[first + i] * mean);
    if (ACCUMULATE != 0u) {
      value += dx[first + i];
    }
    dx[first + i] = value;
  }
}

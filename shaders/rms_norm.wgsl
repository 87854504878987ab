// rms_norm — scale each vector to unit root mean square, then by a learned weight.
//
//   y[v, i] = x[v, i] / sqrt(mean_j(x[v, j]²) + EPS) · weight[i]      (without HAS_WEIGHT: no weight)
//
// Shapes    x, y: [n_vectors, N] f32 row-major, a vector being a row or a head of a row; weight: [N] f32
// Dispatch  one workgroup a vector; those past the end of y do nothing
// Numerics  sum of squares in f32, 64 partial sums and a tree; Gemma's "+1" is folded into weight in the GGUF
// Source    Zhang and Sennrich, "Root mean square layer normalization" (2019)
// Reference test/reference/rms_norm.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum
override N: u32;
override EPS: f32;
override HAS_WEIGHT: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>; // any buffer without HAS_WEIGHT
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn rms_norm(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let first = linear_workgroup(wid, grid) * N;
  if (first + N > arrayLength(&y)) {
    return;
  }
  var square_sum = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    square_sum += x[first + i] * x[first + i];
  }
  let scale = 1.0 / sqrt(workgroup_sum(square_sum, lid) / f32(N) + EPS);
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    var value = x[first + i] * scale;
    if (HAS_WEIGHT != 0u) {
      value *= weight[i];
    }
    y[first + i] = value;
  }
}

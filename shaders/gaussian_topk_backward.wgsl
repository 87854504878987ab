// gaussian_topk_backward — from the gradient of gaussian_topk's result to that of its input, which moves the cutoff too.
//
//   g[i]  = dy[r, i] where x[r, i] is above the cutoff mean + KAPPA · std, otherwise 0
//   dx[i] = g[i] − mean_j(g[j]) · (1 + KAPPA · (x[r, i] − mean) / std)
//
// Shapes    x, dy, dx: [n_rows, N] f32
// Dispatch  one workgroup a row; those past the end of dx do nothing
// Numerics  as gaussian_topk, so that the same values pass. Where all values are equal, none moves the standard deviation
// Reference test/reference/gaussian_topk_backward.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum
override N: u32;
override KAPPA: f32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

#include "lib/linear.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn gaussian_topk_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let first = linear_workgroup(wid, grid) * N;
  if (first + N > arrayLength(&dx)) {
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
  let deviation = sqrt(workgroup_sum(squares, lid) / f32(N));
  let cutoff = mean + KAPPA * deviation;
  var passed = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    passed += select(0.0, dy[first + i], x[first + i] > cutoff);
  }
  let pull = workgroup_sum(passed, lid) / f32(N);
  let slope = select(0.0, KAPPA / deviation, deviation > 0.0);
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    let own = select(0.0, dy[first + i], x[first + i] > cutoff);
    dx[first + i] = own - pull * (1.0 + slope * (x[first + i] - mean));
  }
}

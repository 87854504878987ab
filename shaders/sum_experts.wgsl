// sum_experts — the weighted sum of a row's experts.
//
//   y[r, i] = Σ_s weights[r, s] · x[r, s, i]
//
// Shapes    x: [n_rows, USED, N] f32; weights: [n_rows, USED] f32; y: [n_rows, N] f32
// Dispatch  one invocation a value of y; those past step.n_rows do nothing
// Numerics  f32, in order of rank: a row has the same bits alone and among others
// Reference test/reference/sum_experts.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override USED: u32;

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn sum_experts(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let index = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let r = index / N;
  if (r >= step.n_rows) {
    return;
  }
  var sum = 0.0;
  for (var s = 0u; s < USED; s++) {
    sum += weights[r * USED + s] * x[(r * USED + s) * N + index % N];
  }
  y[index] = sum;
}

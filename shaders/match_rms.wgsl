// match_rms — scale each vector to the root mean square of another: how Gemma 3n keeps its streams at one magnitude.
//
//   y[r, s, i] = x[r, s, i] · sqrt(mean_j(target[r, j]²)) / sqrt(max(mean_j(x[r, s, j]²), EPS))
//
// Shapes    x, y: [n_rows, PER_TARGET, N] f32; target: [n_rows, N] f32
// Dispatch  one workgroup a vector; those past the end of y do nothing
// Numerics  sums of squares in f32, 64 partial sums and a tree
// Source    llama.cpp: calc_magnitude in gemma3n-iswa.cpp
// Reference test/reference/match_rms.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum
override N: u32;
override PER_TARGET: u32 = 1u;
override EPS: f32;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> target_rows: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn match_rms(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let vector = linear_workgroup(wid, grid);
  let first = vector * N;
  let wanted_first = vector / PER_TARGET * N;
  if (first + N > arrayLength(&y)) {
    return;
  }
  var own = 0.0;
  var wanted = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    own += x[first + i] * x[first + i];
    wanted += target_rows[wanted_first + i] * target_rows[wanted_first + i];
  }
  let own_mean = max(workgroup_sum(own, lid) / f32(N), EPS);
  let scale = sqrt(workgroup_sum(wanted, lid) / f32(N)) / sqrt(own_mean);
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    y[first + i] = x[first + i] * scale;
  }
}

// match_rms_backward — from the gradient of match_rms's result to those of both inputs: the vectors that are scaled, and the one
// whose root mean square they get.
//
//   m = mean_j(x[r, s, j]²), rms = sqrt(max(m, EPS)), wanted = sqrt(mean_j(target[r, j]²))
//   along[s]      = mean_j(dy[r, s, j] · x[r, s, j])
//   dx[r, s, i]   = wanted / rms · (dy[r, s, i] − x[r, s, i] · along[s] / m)      where m ≤ EPS without the second term
//   dtarget[r, i] = target[r, i] / wanted · Σ_s along[s] / rms[s]                 (with ACCUMULATE_TARGET added to what it is)
//
// Shapes    x, dy, dx: [n_rows, PER_TARGET, N] f32; target, dtarget: [n_rows, N] f32
// Dispatch  one workgroup a row; those past the end of dtarget do nothing
// Numerics  sums in f32, 64 partial sums and a tree. A target of zeros gets no gradient
// Reference test/reference/match_rms_backward.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum
override N: u32;
override PER_TARGET: u32 = 1u;
override EPS: f32;
override ACCUMULATE_TARGET: u32 = 0u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> target_rows: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<storage, read_write> dtarget: array<f32>;

#include "lib/linear.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn match_rms_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let r = linear_workgroup(wid, grid);
  let first_target = r * N;
  if (first_target + N > arrayLength(&dtarget)) {
    return;
  }
  var squares = 0.0;
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    squares += target_rows[first_target + i] * target_rows[first_target + i];
  }
  let wanted = sqrt(workgroup_sum(squares, lid) / f32(N));
  var pull = 0.0; // how the loss grows with `wanted`
  for (var s = 0u; s < PER_TARGET; s++) {
    let first = (r * PER_TARGET + s) * N;
    var own = 0.0;
    for (var i = lid; i < N; i += WORKGROUP_SIZE) {
      own += x[first + i] * x[first + i];
    }
    let mean = workgroup_sum(own, lid) / f32(N);
    let inverse = 1.0 / sqrt(max(mean, EPS));
    var products = 0.0;
    for (var i = lid; i < N; i += WORKGROUP_SIZE) {
      products += dy[first + i] * (inverse * x[first + i]);
    }
    let along = workgroup_sum(products, lid) / f32(N);
    pull += along;
    let change = select(0.0, along, mean > EPS);
    for (var i = lid; i < N; i += WORKGROUP_SIZE) {
      dx[first + i] = wanted * inverse * (dy[first + i] - inverse * x[first + i] * change);
    }
  }
  let scale = select(0.0, pull / wanted, wanted > 0.0);
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    let before = select(0.0, dtarget[first_target + i], ACCUMULATE_TARGET != 0u);
    dtarget[first_target + i] = before + scale * target_rows[first_target + i];
  }
}

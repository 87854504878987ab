// altup_predict_backward — the gradients of altup_predict's streams and of the coefficients that mix them.
//
//   dstream_j[r]       = dy_j[r] + Σ_i COEF_SCALE · coefs[r, 4i + j] · dy_i[r]
//   dcoefs[r, 4i + j]  = COEF_SCALE · Σ_n dy_i[r, n] · stream_j[r, n]
//
// Shapes    active_stream (before the mixing), dy_active, dactive: [n_rows, N] f32; others, dy_others, dothers: [n_rows, 3, N]
//           f32; coefs, dcoefs: [n_rows, 16] f32
// Dispatch  one workgroup a row; those past the end of dcoefs do nothing
// Numerics  f32; sums over N in 64 partial sums and a tree
// Reference test/reference/altup_predict_backward.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum
override N: u32;
override COEF_SCALE: f32;

@group(0) @binding(0) var<storage, read> coefs: array<vec4f>;
@group(0) @binding(1) var<storage, read> active_stream: array<f32>;
@group(0) @binding(2) var<storage, read> others: array<f32>;
@group(0) @binding(3) var<storage, read> dy_active: array<f32>;
@group(0) @binding(4) var<storage, read> dy_others: array<f32>;
@group(0) @binding(5) var<storage, read_write> dactive: array<f32>;
@group(0) @binding(6) var<storage, read_write> dothers: array<f32>;
@group(0) @binding(7) var<storage, read_write> dcoefs: array<vec4f>;

#include "lib/linear.wgsl"
#include "lib/workgroup_sum4.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn altup_predict_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let r = linear_workgroup(wid, grid);
  if (4u * r >= arrayLength(&dcoefs)) {
    return;
  }
  // Column i: what of each stream goes to stream i.
  let mix = COEF_SCALE * mat4x4f(coefs[4u * r], coefs[4u * r + 1u], coefs[4u * r + 2u], coefs[4u * r + 3u]);
  var sums = mat4x4f();
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    let at = r * N + i;
    let other = 3u * r * N + i; // in stream 1; streams 2 and 3 follow at N and 2N
    let s = vec4f(active_stream[at], others[other], others[other + N], others[other + 2u * N]);
    let dy = vec4f(dy_active[at], dy_others[other], dy_others[other + N], dy_others[other + 2u * N]);
    sums[0] += dy.x * s;
    sums[1] += dy.y * s;
    sums[2] += dy.z * s;
    sums[3] += dy.w * s;
    let d = dy + mix * dy;
    dactive[at] = d.x;
    dothers[other] = d.y;
    dothers[other + N] = d.z;
    dothers[other + 2u * N] = d.w;
  }
  let sum_0 = workgroup_sum4(sums[0], lid);
  let sum_1 = workgroup_sum4(sums[1], lid);
  let sum_2 = workgroup_sum4(sums[2], lid);
  let sum_3 = workgroup_sum4(sums[3], lid);
  if (lid == 0u) {
    dcoefs[4u * r] = COEF_SCALE * sum_0;
    dcoefs[4u * r + 1u] = COEF_SCALE * sum_1;
    dcoefs[4u * r + 2u] = COEF_SCALE * sum_2;
    dcoefs[4u * r + 3u] = COEF_SCALE * sum_3;
  }
}

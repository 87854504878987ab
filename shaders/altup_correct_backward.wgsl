// altup_correct_backward — the gradients of what altup_correct reads: of the active stream, of what the layer made of it, and of
// the coefficients. Those of the other streams are those of the corrected others, unchanged.
//
//   g_0             = dactive[r] + scale ⊙ dactivated[r]          gradients of the corrected active stream, and of `scaled`
//   g_i             = dy_others[r, i − 1]                         i = 1 … 3
//   dactivated[r] ← Σ_i (1 + COEF_SCALE · coefs[r, i]) · g_i
//   dactive[r]    ← g_0 − dactivated[r]
//   dcoefs[r, i]    = COEF_SCALE · Σ_n g_i[n] · (activated[r, n] − active_stream[r, n])
//
// Shapes    activated, active_stream (before the correction), dactive, dactivated: [n_rows, N] f32, the last two in place: they
//           come as gradients of outputs and leave as gradients of inputs; dy_others: [n_rows, 3, N] f32; coefs, dcoefs:
//           [n_rows, 4] f32; scale: [N] f32
// Dispatch  one workgroup a row; those past the end of dcoefs do nothing
// Numerics  f32; sums over N in 64 partial sums and a tree
// Reference test/reference/altup_correct_backward.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum
override N: u32;
override COEF_SCALE: f32;

@group(0) @binding(0) var<storage, read> activated: array<f32>;
@group(0) @binding(1) var<storage, read> coefs: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> active_stream: array<f32>;
@group(0) @binding(4) var<storage, read> dy_others: array<f32>;
@group(0) @binding(5) var<storage, read_write> dactive: array<f32>;
@group(0) @binding(6) var<storage, read_write> dactivated: array<f32>;
@group(0) @binding(7) var<storage, read_write> dcoefs: array<vec4f>;

#include "lib/linear.wgsl"
#include "lib/workgroup_sum4.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn altup_correct_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let r = linear_workgroup(wid, grid);
  if (r >= arrayLength(&dcoefs)) {
    return;
  }
  let c = 1.0 + COEF_SCALE * coefs[r];
  var sum = vec4f();
  for (var i = lid; i < N; i += WORKGROUP_SIZE) {
    let at = r * N + i;
    let other = 3u * r * N + i; // of stream 1; streams 2 and 3 follow at N and 2N
    let corrected = dactive[at] + scale[i] * dactivated[at];
    let g = vec4f(corrected, dy_others[other], dy_others[other + N], dy_others[other + 2u * N]);
    sum += (activated[at] - active_stream[at]) * g;
    let innovation = dot(c, g);
    dactivated[at] = innovation;
    dactive[at] = corrected - innovation;
  }
  let total = workgroup_sum4(sum, lid);
  if (lid == 0u) {
    dcoefs[r] = COEF_SCALE * total;
  }
}

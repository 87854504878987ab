// altup_correct — Gemma 3n's four streams after a layer: what the layer made of stream 0, the active one, moves all.
//
//   innovation  = activated[r] − stream_0[r]
//   stream_i[r] ← stream_i[r] + (1 + COEF_SCALE · coefs[r, i]) · innovation
//   scaled[r]   = stream_0[r] ⊙ scale          after the correction: what the per-layer embeddings are gated by
//
// Shapes    active: [n_rows, N] f32; others: [n_rows, 3, N] f32, both in place; activated, scaled: [n_rows, N] f32;
//           coefs: [n_rows, 4] f32; scale: [N] f32
// Dispatch  one invocation a value of the active stream; those past its end do nothing
// Numerics  f32, in the order written
// Source    Baykal et al., "Alternating updates for efficient transformers" (2023); llama.cpp: altup_correct in gemma3n-iswa.cpp
// Reference test/reference/altup_correct.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override COEF_SCALE: f32;

@group(0) @binding(0) var<storage, read> activated: array<f32>;
@group(0) @binding(1) var<storage, read> coefs: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> active_stream: array<f32>;
@group(0) @binding(4) var<storage, read_write> others: array<f32>;
@group(0) @binding(5) var<storage, read_write> scaled: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn altup_correct(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let at = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (at >= arrayLength(&active_stream)) {
    return;
  }
  let r = at / N;
  let i = at % N;
  let other = 3u * r * N + i; // in stream 1; streams 2 and 3 follow at N and 2N
  let c = 1.0 + COEF_SCALE * coefs[r];
  let innovation = activated[at] - active_stream[at];
  let corrected = active_stream[at] + c.x * innovation;
  active_stream[at] = corrected;
  others[other] += c.y * innovation;
  others[other + N] += c.z * innovation;
  others[other + 2u * N] += c.w * innovation;
  scaled[at] = corrected * scale[i];
}

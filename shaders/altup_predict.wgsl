// altup_predict — Gemma 3n's four streams before a layer: each plus a mixture of all four. Stream 0 is the active one.
//
//   stream_i[r] ← stream_i[r] + Σ_j COEF_SCALE · coefs[r, 4i + j] · stream_j[r]
//
// Shapes    active: [n_rows, N] f32; others: [n_rows, 3, N] f32, both in place; coefs: [n_rows, 16] f32
// Dispatch  one invocation a value of the active stream; those past its end do nothing
// Numerics  f32, j in order
// Source    Baykal et al., "Alternating updates for efficient transformers" (2023); llama.cpp: altup_predict in gemma3n-iswa.cpp
// Reference test/reference/altup_predict.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override COEF_SCALE: f32;

@group(0) @binding(0) var<storage, read> coefs: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> active_stream: array<f32>;
@group(0) @binding(2) var<storage, read_write> others: array<f32>;

#include "lib/linear.wgsl"

// The mixture of the streams' values `s` for stream i of row r.
fn mixed(r: u32, i: u32, s: vec4f) -> f32 {
  let c = COEF_SCALE * coefs[4u * r + i];
  return c.x * s.x + c.y * s.y + c.z * s.z + c.w * s.w;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn altup_predict(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let at = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (at >= arrayLength(&active_stream)) {
    return;
  }
  let r = at / N;
  let other = 3u * r * N + at % N; // in stream 1; streams 2 and 3 follow at N and 2N
  let s = vec4f(active_stream[at], others[other], others[other + N], others[other + 2u * N]);
  active_stream[at] = s.x + mixed(r, 0u, s);
  others[other] = s.y + mixed(r, 1u, s);
  others[other + N] = s.z + mixed(r, 2u, s);
  others[other + 2u * N] = s.w + mixed(r, 3u, s);
}

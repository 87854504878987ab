// altup_predict — Gemma 3n's four streams before a layer: each plus a mixture of all four.
//
//   stream_i[r] ← stream_i[r] + Σ_j COEF_SCALE · coefs[r, 4i + j] · stream_j[r]
//
// Shapes    stream_0 … stream_3: [n_rows, N] f32, in place; coefs: [n_rows, 16] f32
// Dispatch  one invocation a value of a stream; those behind its end do nothing
// Numerics  f32, j in order
// Reference src/engine/reference/altup_predict.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override COEF_SCALE: f32;

@group(0) @binding(0) var<storage, read> coefs: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> stream_0: array<f32>;
@group(0) @binding(2) var<storage, read_write> stream_1: array<f32>;
@group(0) @binding(3) var<storage, read_write> stream_2: array<f32>;
@group(0) @binding(4) var<storage, read_write> stream_3: array<f32>;

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
  if (at >= arrayLength(&stream_0)) {
    return;
  }
  let r = at / N;
  let s = vec4f(stream_0[at], stream_1[at], stream_2[at], stream_3[at]);
  stream_0[at] = s.x + mixed(r, 0u, s);
  stream_1[at] = s.y + mixed(r, 1u, s);
  stream_2[at] = s.z + mixed(r, 2u, s);
  stream_3[at] = s.w + mixed(r, 3u, s);
}

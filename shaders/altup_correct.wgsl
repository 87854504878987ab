// altup_correct — Gemma 3n's four streams after a layer: what the layer made of stream 0 moves all of them.
//
//   innovation  = activated[r] − stream_0[r]
//   stream_i[r] ← stream_i[r] + (1 + COEF_SCALE · coefs[r, i]) · innovation
//   scaled[r]   = stream_0[r] ⊙ scale          after the correction: what the per-layer embeddings are gated by
//
// Shapes    stream_0 … stream_3: [n_rows, N] f32, in place; activated, scaled: [n_rows, N] f32; coefs: [n_rows, 4] f32;
//           scale: [N] f32
// Dispatch  one invocation a value of a stream; those behind its end do nothing
// Limits    eight storage buffers, all that every device has
// Numerics  f32, in the order written
// Reference src/engine/reference/altup_correct.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override COEF_SCALE: f32;

@group(0) @binding(0) var<storage, read> activated: array<f32>;
@group(0) @binding(1) var<storage, read> coefs: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> stream_0: array<f32>;
@group(0) @binding(4) var<storage, read_write> stream_1: array<f32>;
@group(0) @binding(5) var<storage, read_write> stream_2: array<f32>;
@group(0) @binding(6) var<storage, read_write> stream_3: array<f32>;
@group(0) @binding(7) var<storage, read_write> scaled: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn altup_correct(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let at = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (at >= arrayLength(&stream_0)) {
    return;
  }
  let c = 1.0 + COEF_SCALE * coefs[at / N];
  let innovation = activated[at] - stream_0[at];
  let corrected = stream_0[at] + c.x * innovation;
  stream_0[at] = corrected;
  stream_1[at] += c.y * innovation;
  stream_2[at] += c.z * innovation;
  stream_3[at] += c.w * innovation;
  scaled[at] = corrected * scale[at % N];
}

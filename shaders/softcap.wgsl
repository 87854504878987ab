// softcap — limit values smoothly to ±CAP, in place.
//
//   y ← CAP · tanh(y / CAP)
//
// Shapes    y: [n_rows, N] f32; in place, because logits of a large vocabulary are the largest activation
// Dispatch  one invocation a value; those past the end of y do nothing
// Numerics  the argument of tanh is clamped to ±10, where tanh is ±1 in f32
// Source    "Gemma 2: improving open language models at a practical size" (2024), section 2
// Reference test/reference/softcap.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32; // read by the grid only
override CAP: f32; // above 0

@group(0) @binding(0) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"
#include "lib/tanh.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn softcap(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let i = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (i >= arrayLength(&y)) {
    return;
  }
  y[i] = CAP * tanh_clamped(y[i] / CAP);
}

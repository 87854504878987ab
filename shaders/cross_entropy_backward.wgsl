// cross_entropy_backward — the gradient of the loss by a slice of the logits, in their place.
//
//   l = SOFTCAP · tanh(logits / SOFTCAP), p = e^(l − m) / s
//   logits ← weight · (p − [the row's label]) · (1 − (l / SOFTCAP)²)      without the last factor where SOFTCAP is 0
//
// Shapes    logits: [n_outputs, N] f32, those of ids FIRST … FIRST + N − 1; labels: [n_outputs] u32; weights: [n_outputs] f32;
//           sums: [n_outputs] {m, s, label, 0} of all slices, as cross_entropy.wgsl leaves them
// Dispatch  one invocation a logit; those past step.n_outputs do nothing
// Numerics  f32
// Reference test/reference/cross_entropy.ts

override WORKGROUP_SIZE: u32 = 256u;

struct Shape {
  N: u32,
  FIRST: u32,
  SOFTCAP: f32, // 0: none
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> sums: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> logits: array<f32>;
@group(0) @binding(5) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/tanh.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn cross_entropy_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let at = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let r = at / shape.N;
  if (r >= step.n_outputs) {
    return;
  }
  var logit = logits[at];
  var slope = 1.0;
  if (shape.SOFTCAP > 0.0) {
    let t = tanh_clamped(logit / shape.SOFTCAP);
    logit = shape.SOFTCAP * t;
    slope = 1.0 - t * t;
  }
  let probability = exp(max(logit - sums[r].x, -80.0)) / sums[r].y;
  let target_probability = select(0.0, 1.0, labels[r] == shape.FIRST + at % shape.N);
  logits[at] = weights[r] * (probability - target_probability) * slope;
}

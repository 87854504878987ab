// adamw — one step of Adam with decoupled weight decay. The gradient is cleared.
//
//   g = SCALE · gradient;  m ← β1 · m + (1 − β1) · g;  v ← β2 · v + (1 − β2) · g²
//   p ← p · (1 − rate · decay) − rate / c1 · m / (√v / √c2 + ε)          c1 = 1 − β1^t, c2 = 1 − β2^t
//
// Shapes    values, gradients, first (m), second (v): [n] f32
// Dispatch  one invocation a value; those past the end do nothing
// Numerics  f32; powers and roots of constants come from the CPU, in f64
// Source    Loshchilov and Hutter, "Decoupled weight decay regularization" (2019); order of operations as PyTorch's AdamW
// Reference test/reference/adamw.ts

override WORKGROUP_SIZE: u32 = 256u;

struct Update {
  scale: f32,
  one_minus_beta1: f32,
  beta2: f32,
  one_minus_beta2: f32,
  keep: f32, // 1 − rate · decay
  step_size: f32, // rate / c1
  root_c2: f32,
  epsilon: f32,
}

@group(0) @binding(0) var<uniform> settings: Update;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(3) var<storage, read_write> first: array<f32>;
@group(0) @binding(4) var<storage, read_write> second: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn adamw(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let i = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (i >= arrayLength(&values)) {
    return;
  }
  let g = settings.scale * gradients[i];
  let m = first[i] + settings.one_minus_beta1 * (g - first[i]);
  let v = settings.beta2 * second[i] + settings.one_minus_beta2 * g * g;
  first[i] = m;
  second[i] = v;
  values[i] = settings.keep * values[i] - settings.step_size * (m / (sqrt(v) / settings.root_c2 + settings.epsilon));
  gradients[i] = 0.0;
}

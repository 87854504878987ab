// cross_entropy — what a loss needs of a slice of the vocabulary: the running maximum of each row's logits, the sum of their
// exponentials, and the logit of its label.
//
//   l = SOFTCAP · tanh(logits / SOFTCAP)      where SOFTCAP is above 0
//   m' = max(m, max_i l_i);  s' = s · e^(m − m') + Σ_i e^(l_i − m');  label' = l_label where the slice has it
//   After all slices: loss = m + ln s − label
//
// Shapes    logits: [n_outputs, N] f32, those of ids FIRST … FIRST + N − 1; labels: [n_outputs] u32;
//           sums: [n_outputs] {m, s, label, 0}; FIRST of 0 begins anew
// Dispatch  one workgroup an output row; those past step.n_outputs do nothing
// Numerics  f32; in an invocation one after the other, then a tree. Exponents are ≥ −80
// Source    Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018)
// Reference test/reference/cross_entropy.ts

override WORKGROUP_SIZE: u32 = 256u; // a power of two, for the tree sum

struct Shape {
  N: u32,
  FIRST: u32,
  SOFTCAP: f32, // 0: none
}

const NO_SCORE = -3.0e38;

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(4) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/tanh.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn cross_entropy(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let r = linear_workgroup(wid, grid);
  if (r >= step.n_outputs) {
    return;
  }
  var largest = NO_SCORE;
  for (var i = lid; i < shape.N; i += WORKGROUP_SIZE) {
    largest = max(largest, capped(logits[r * shape.N + i]));
  }
  let before = select(sums[r], vec4f(NO_SCORE, 0.0, 0.0, 0.0), shape.FIRST == 0u);
  let grown = max(before.x, workgroup_max(largest, lid));
  var sum = 0.0;
  for (var i = lid; i < shape.N; i += WORKGROUP_SIZE) {
    sum += exp(max(capped(logits[r * shape.N + i]) - grown, -80.0));
  }
  let total = workgroup_sum(sum, lid);
  if (lid == 0u) {
    var label = before.z;
    let place = labels[r] - shape.FIRST; // wraps around below the slice
    if (place < shape.N) {
      label = capped(logits[r * shape.N + place]);
    }
    sums[r] = vec4f(grown, before.y * exp(max(before.x - grown, -80.0)) + total, label, 0.0);
  }
}

fn capped(logit: f32) -> f32 {
  if (shape.SOFTCAP > 0.0) {
    return shape.SOFTCAP * tanh_clamped(logit / shape.SOFTCAP);
  }
  return logit;
}

// top_experts — which experts of a mixture a row uses, and the weight of each.
//
//   experts[r, s] = index of the s-th largest of logits[r]; among equals the lowest index first
//   weights[r, s] = softmax of SCALE · logits over the USED chosen · expert_scale[experts[r, s]]   (without HAS_SCALE: · 1)
//
// The softmax over the chosen is that over all, renormalised; each expert's own scale comes after it.
//
// Shapes    logits: [n_rows, N_EXPERT] f32; expert_scale: [N_EXPERT] f32; experts: [n_rows, USED] u32;
//           weights: [n_rows, USED] f32; USED ≤ 64
// Dispatch  one workgroup a row; those past step.n_rows do nothing. An expert's rank is counted, not sorted for:
//           every invocation compares its experts with all others
// Numerics  f32; the sum runs in order of rank. A row has the same bits alone and among others
// Source    Shazeer et al., "Outrageously large neural networks" (2017); llama.cpp: build_moe_ffn
// Reference test/reference/top_experts.ts

const WORKGROUP_SIZE = 64u;

override N_EXPERT: u32;
override USED: u32;
override SCALE: f32 = 1.0;
override HAS_SCALE: u32 = 1u;

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> expert_scale: array<f32>; // any buffer without HAS_SCALE
@group(0) @binding(3) var<storage, read_write> experts: array<u32>;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;

var<workgroup> chosen: array<u32, WORKGROUP_SIZE>;
var<workgroup> exponentials: array<f32, WORKGROUP_SIZE>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn top_experts(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let r = linear_workgroup(wid, grid);
  if (r >= step.n_rows) {
    return;
  }
  let first = r * N_EXPERT;
  for (var e = lid; e < N_EXPERT; e += WORKGROUP_SIZE) {
    let own = logits[first + e];
    var rank = 0u;
    for (var other = 0u; other < N_EXPERT && rank < USED; other++) {
      let value = logits[first + other];
      rank += select(0u, 1u, value > own || (value == own && other < e));
    }
    if (rank < USED) {
      chosen[rank] = e;
    }
  }
  workgroupBarrier();

  if (lid < USED) {
    exponentials[lid] = exp(SCALE * (logits[first + chosen[lid]] - logits[first + chosen[0]]));
  }
  workgroupBarrier();
  if (lid >= USED) {
    return;
  }
  var total = 0.0;
  for (var s = 0u; s < USED; s++) {
    total += exponentials[s];
  }
  let expert = chosen[lid];
  var weight = exponentials[lid] / total;
  if (HAS_SCALE != 0u) {
    weight *= expert_scale[expert];
  }
  experts[r * USED + lid] = expert;
  weights[r * USED + lid] = weight;
}

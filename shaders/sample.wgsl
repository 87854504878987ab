// sample — chooses a token of each row from what top_candidates left, as src/engine/sampling/sampler.ts does: top-k,
// top-p, min-p, temperature, draw. The id goes where the next step reads it; the request's state is kept up, so that
// steps can follow each other without the host.
//
// Shapes    outputs: [n_outputs] the request's slot; samplers: [slots]; history: [slots, HISTORY] u32;
//           candidates: [n_outputs, N_BLOCKS, 64] (key, id), those of a block likeliest first; sums: [n_outputs, N_BLOCKS] (maximum, Σ); logits: [n_outputs, N_VOCAB];
//           chosen: [slots] u32, the token of each request;
//           results: [n_outputs, 44] u32: id, whether the logits are bad (1), log-probability f32, how many alternatives,
//           then 20 × (id, log-probability f32), likeliest first
// Dispatch  y over outputs
// Numerics  the choice of candidates and their order are exact. Probabilities are f32: a draw that falls within about
//           1e-6 of the border between two tokens may go to the other one than in the f64 of the reference
// Reference src/engine/sampling/sampler.ts

const WORKGROUP_SIZE = 256u;
const CANDIDATES = 64u;
const RESULT = 44u;

struct Shape {
  N_VOCAB: u32,
  N_BLOCKS: u32,
  HISTORY: u32,
  SOFTCAP: f32, // 0: none
}

#include "lib/step.wgsl"
#include "lib/sampler_state.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> outputs: array<u32>;
@group(0) @binding(2) var<storage, read> candidates: array<vec2u>;
@group(0) @binding(3) var<storage, read> sums: array<vec2f>;
@group(0) @binding(4) var<storage, read> logits: array<u32>;
@group(0) @binding(5) var<storage, read_write> samplers: array<SamplerState>;
@group(0) @binding(6) var<storage, read_write> history: array<u32>;
@group(0) @binding(7) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(8) var<storage, read_write> results: array<u32>;
@group(0) @binding(9) var<uniform> shape: Shape;

var<workgroup> sorted: array<vec2u, CANDIDATES>;
var<workgroup> weights: array<f32, CANDIDATES>;
var<workgroup> cumulative: array<f32, CANDIDATES>;
var<workgroup> n_kept: u32;
var<workgroup> n_wanted: u32;
var<workgroup> place: atomic<u32>; // of the token in `sorted`

var<private> row_start: u32;

#include "lib/philox.wgsl"
#include "lib/radix_select.wgsl"
#include "lib/short_list.wgsl"
#include "lib/tanh.wgsl"

fn sort_key(i: u32) -> u32 {
  return candidates[row_start + i].x;
}

// Distinct also among those that are absent, whose ids are all 0.
fn tie_key(i: u32) -> u32 {
  let candidate = candidates[row_start + i];
  return select(0x7fffffffu - candidate.y, 0x7fffffffu - i, candidate.x == 0u);
}

// The sum of the first `n + 1` weights, in order.
fn sum_to(n: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i <= n; i++) {
    sum += weights[i];
  }
  return sum;
}

// ln Σ e^logit of the row.
fn log_sum(output: u32) -> f32 {
  var largest = -3.0e38;
  for (var b = 0u; b < shape.N_BLOCKS; b++) {
    largest = max(largest, sums[output * shape.N_BLOCKS + b].x);
  }
  var sum = 0.0;
  for (var b = 0u; b < shape.N_BLOCKS; b++) {
    let part = sums[output * shape.N_BLOCKS + b];
    sum += part.y * exp(max(part.x - largest, -80.0));
  }
  return largest + log(sum);
}

// A logit as the model gave it, soft-capped.
fn model_logit(output: u32, id: u32) -> f32 {
  let logit = bitcast<f32>(logits[output * shape.N_VOCAB + id]);
  return select(logit, shape.SOFTCAP * tanh_clamped(logit / max(shape.SOFTCAP, 1e-30)), shape.SOFTCAP > 0.0);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn sample(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let output = wid.y;
  if (output >= step.n_outputs) {
    return;
  }
  let slot = outputs[output];
  let sampler = samplers[slot];
  let n = shape.N_BLOCKS * CANDIDATES;
  row_start = n * output;
  let n_alternatives = min(max(sampler.logprobs, 1u) - 1u, 20u);
  let count = min(max(sampler.top_k, n_alternatives), CANDIDATES);

  if (lid == 0u) {
    n_wanted = count;
    atomicStore(&place, 0u);
  }
  // The candidates of all blocks, in order. A block's first is its largest; blocks are parts where there are enough.
  let wanted = workgroupUniformLoad(&n_wanted);
  let parts = select(0u, shape.N_BLOCKS, shape.N_BLOCKS >= wanted && shape.N_BLOCKS <= WORKGROUP_SIZE);
  var largest_key = 0u;
  if (lid < parts) {
    largest_key = sort_key(CANDIDATES * lid);
  }
  let bound = key_bound(lid, largest_key, wanted);
  // A block's candidates are in order: most have one that counts, or none.
  for (var b = lid; b < shape.N_BLOCKS; b += WORKGROUP_SIZE) {
    for (var i = 0u; i < CANDIDATES; i++) {
      let candidate = candidates[row_start + CANDIDATES * b + i];
      if (candidate.x < bound) {
        break;
      }
      offer(candidate.x, candidate.y);
    }
  }
  var n_found = offered(lid);
  if (n_found > LISTED) { // many are equal, or most are in few blocks
    let threshold = select_largest(lid, n, wanted);
    atomicStore(&n_offered, 0u);
    workgroupBarrier();
    for (var i = lid; i < n; i += WORKGROUP_SIZE) {
      if (sort_key(i) != 0u && is_chosen(threshold, i)) {
        offer(candidates[row_start + i].x, candidates[row_start + i].y);
      }
    }
    n_found = offered(lid);
  }
  if (lid < n_found) {
    let rank = list_rank(listed[lid], n_found);
    if (rank < wanted) {
      sorted[rank] = listed[lid];
    }
  }
  workgroupBarrier();
  let present = min(n_found, wanted);
  let k = min(present, sampler.top_k);
  let top = sorted[0].x;
  // No number, +Infinity, or nothing at all: such a row must never become text.
  let bad = present == 0u || top >= 0xff800000u;

  // The nucleus: the fewest that hold top_p of the probability, at temperature 1.
  let largest = float_of_key(top);
  var logit = 0.0;
  if (lid < k) {
    logit = float_of_key(sorted[lid].x);
    weights[lid] = exp(max(logit - largest, -80.0));
  }
  if (lid == 0u) {
    n_kept = k;
  }
  workgroupBarrier();
  if (lid < k) {
    cumulative[lid] = sum_to(lid);
  }
  workgroupBarrier();
  if (sampler.top_p < 1.0 && lid < k) {
    let border = sampler.top_p * cumulative[k - 1u];
    if (cumulative[lid] >= border && (lid == 0u || cumulative[lid - 1u] < border)) {
      n_kept = lid + 1u;
    }
  }
  workgroupBarrier();
  let draws = sampler.temperature > 0.0 && sampler.top_k > 1u;
  if (draws && lid < k) {
    let likely = sampler.min_p == 0.0 || logit >= largest + log(sampler.min_p);
    let kept = lid < n_kept && likely;
    weights[lid] = select(0.0, exp(max((logit - largest) / sampler.temperature, -80.0)), kept);
  }
  workgroupBarrier();
  if (lid < k) {
    cumulative[lid] = sum_to(lid);
  }
  workgroupBarrier();
  if (draws && lid < k) {
    let random = f32(philox_high(sampler.drawn, sampler.seed) >> 8u) * 0x1p-24f;
    // Every token whose probability ends at or below the number is passed, but not beyond the last with any.
    if (cumulative[lid] <= random * cumulative[k - 1u] && cumulative[lid] < cumulative[k - 1u]) {
      atomicMax(&place, lid + 1u);
    }
  }
  workgroupBarrier();

  let at = RESULT * output;
  let id = sorted[atomicLoad(&place)].y;
  if (sampler.logprobs > 0u && lid <= n_alternatives) {
    let total = log_sum(output);
    if (lid == n_alternatives) {
      results[at + 2u] = bitcast<u32>(model_logit(output, id) - total);
    } else if (lid < present) {
      results[at + 4u + 2u * lid] = sorted[lid].y;
      results[at + 5u + 2u * lid] = bitcast<u32>(float_of_key(sorted[lid].x) - total);
    }
  }
  if (lid == 0u) {
    results[at] = id;
    results[at + 1u] = u32(bad);
    results[at + 3u] = min(n_alternatives, present);
    chosen[slot] = id;
    if (draws) {
      samplers[slot].drawn = sampler.drawn + 1u;
    }
    if (sampler.window > 0u) {
      history[shape.HISTORY * slot + sampler.history_next] = id;
      samplers[slot].history_next = (sampler.history_next + 1u) % sampler.window;
      samplers[slot].history_length = min(sampler.history_length + 1u, sampler.window);
    }
  }
}

// top_candidates — of each block of a row's logits the likeliest 64 or fewer: all that `sample` has to look at.
//
// Logits are soft-capped, suppressed tokens are left out, and the repetition penalty divides positive and multiplies
// negative logits of recent tokens. With log-probabilities also Σ e^logit of the block, of the logits without penalty.
//
// Shapes    logits: [n_outputs, N_VOCAB] f32; outputs: [n_outputs] the request's slot; samplers: [slots];
//           history: [slots, HISTORY] u32; suppressed: [N_SUPPRESSED] u32; candidates: [n_outputs, blocks, 64] (key, id)
//           as lib/radix_select.wgsl orders floats, likeliest first, key 0 where there is none;
//           sums: [n_outputs, blocks] (maximum, Σ e^(logit − maximum)) f32, maximum 0 and sum 0 of an empty block
// Dispatch  x over blocks of 2048 logits, y over outputs
// Limits    N_SUPPRESSED + HISTORY at most 512
// Numerics  exact but for the sums, f32 in a fixed order
// Reference src/engine/sampling/sampler.ts

const WORKGROUP_SIZE = 256u;
const BLOCK = 2048u;
const CANDIDATES = 64u;
const MAX_CHANGED = 512u;
const SUPPRESSED = 0x80000000u;

struct Shape {
  N_VOCAB: u32,
  N_SUPPRESSED: u32,
  HISTORY: u32,
  SOFTCAP: f32, // 0: none
}

#include "lib/step.wgsl"
#include "lib/sampler_state.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> logits: array<u32>; // bits of f32
@group(0) @binding(2) var<storage, read> outputs: array<u32>;
@group(0) @binding(3) var<storage, read> samplers: array<SamplerState>;
@group(0) @binding(4) var<storage, read> history: array<u32>;
@group(0) @binding(5) var<storage, read> suppressed: array<u32>;
@group(0) @binding(6) var<storage, read_write> candidates: array<vec2u>;
@group(0) @binding(7) var<storage, read_write> sums: array<vec2f>;
@group(0) @binding(8) var<uniform> shape: Shape;

var<workgroup> keys: array<u32, BLOCK>;
// Tokens of this block that are not what their logits say: ids, SUPPRESSED ones marked.
var<workgroup> changed: array<u32, MAX_CHANGED>;
var<workgroup> n_changed: atomic<u32>;

var<private> block_start: u32;
var<private> row_start: u32;
var<private> n_listed: u32;
var<private> penalty: f32;

#include "lib/radix_select.wgsl"
#include "lib/short_list.wgsl"
#include "lib/tanh.wgsl"
#include "lib/workgroup_reduce.wgsl"

// Bits of a logit, soft-capped; what is no number stays so.
fn capped_bits(i: u32) -> u32 {
  let bits = logits[row_start + block_start + i];
  if (shape.SOFTCAP == 0.0 || (bits & 0x7fffffffu) > 0x7f800000u) {
    return bits;
  }
  return bitcast<u32>(shape.SOFTCAP * tanh_clamped(bitcast<f32>(bits) / shape.SOFTCAP));
}

fn is_suppressed(i: u32) -> bool {
  let id = (block_start + i) | SUPPRESSED;
  for (var j = 0u; j < n_listed; j++) {
    if (changed[j] == id) {
      return true;
    }
  }
  return false;
}

// What the logit of a token counts as, with its penalty.
fn penalised_key(i: u32) -> u32 {
  let id = block_start + i;
  let bits = capped_bits(i);
  var penalised = false;
  for (var j = 0u; j < n_listed; j++) {
    if (changed[j] == (id | SUPPRESSED)) {
      return 0u;
    }
    penalised = penalised || changed[j] == id;
  }
  let key = float_key(bits);
  if (!penalised || key == 0u || key == 0xffffffffu) {
    return key;
  }
  let logit = bitcast<f32>(bits);
  return float_key(bitcast<u32>(select(logit * penalty, logit / penalty, logit > 0.0)));
}

fn sort_key(i: u32) -> u32 {
  return keys[i];
}

fn tie_key(i: u32) -> u32 {
  return BLOCK - 1u - i; // of equal logits the lower id
}

fn list(id: u32, mark: u32, n: u32) {
  if (id >= block_start && id - block_start < n) {
    changed[atomicAdd(&n_changed, 1u)] = id | mark;
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn top_candidates(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let output = wid.y;
  if (output >= step.n_outputs) {
    return;
  }
  let slot = outputs[output];
  let sampler = samplers[slot];
  let start = BLOCK * wid.x;
  block_start = start;
  row_start = shape.N_VOCAB * output;
  penalty = sampler.penalty;
  let n = min(BLOCK, shape.N_VOCAB - start);

  if (lid == 0u) {
    atomicStore(&n_changed, 0u);
  }
  workgroupBarrier();
  for (var i = lid; i < shape.N_SUPPRESSED; i += WORKGROUP_SIZE) {
    list(suppressed[i], SUPPRESSED, n);
  }
  if (penalty != 1.0) {
    for (var i = lid; i < sampler.history_length; i += WORKGROUP_SIZE) {
      list(history[shape.HISTORY * slot + i], 0u, n);
    }
  }
  workgroupBarrier();
  n_listed = atomicLoad(&n_changed);

  let wanted = max(sampler.top_k, max(sampler.logprobs, 1u) - 1u);
  let count = min(min(wanted, CANDIDATES), n);
  let first = CANDIDATES * (output * grid.x + wid.x);
  var largest_key = 0u;
  for (var i = lid; i < n; i += WORKGROUP_SIZE) {
    let key = penalised_key(i);
    keys[i] = key;
    largest_key = max(largest_key, key);
  }
  let bound = key_bound(lid, largest_key, count);
  for (var i = lid; i < n; i += WORKGROUP_SIZE) {
    if (keys[i] >= bound) {
      offer(keys[i], block_start + i);
    }
  }
  var n_found = offered(lid);
  if (n_found > LISTED) { // many are equal, or alike and badly spread
    let threshold = select_largest(lid, n, count);
    atomicStore(&n_offered, 0u);
    workgroupBarrier();
    for (var i = lid; i < n; i += WORKGROUP_SIZE) {
      if (keys[i] != 0u && is_chosen(threshold, i)) {
        offer(keys[i], block_start + i);
      }
    }
    n_found = offered(lid);
  }
  if (lid < n_found) {
    let rank = list_rank(listed[lid], n_found);
    if (rank < count) {
      candidates[first + rank] = listed[lid];
    }
  }
  if (lid >= min(count, n_found) && lid < CANDIDATES) {
    candidates[first + lid] = vec2u();
  }

  if (sampler.logprobs > 0u) {
    var largest = -3.0e38;
    for (var i = lid; i < n; i += WORKGROUP_SIZE) {
      let key = float_key(capped_bits(i));
      if (key != 0u && key != 0xffffffffu && !is_suppressed(i)) {
        largest = max(largest, float_of_key(key));
      }
    }
    largest = workgroup_max(largest, lid);
    var sum = 0.0;
    for (var i = lid; i < n; i += WORKGROUP_SIZE) {
      let key = float_key(capped_bits(i));
      if (key != 0u && key != 0xffffffffu && !is_suppressed(i)) {
        sum += exp(max(float_of_key(key) - largest, -80.0));
      }
    }
    sum = workgroup_sum(sum, lid);
    if (lid == 0u) {
      sums[output * grid.x + wid.x] = vec2f(largest, sum);
    }
  }
}

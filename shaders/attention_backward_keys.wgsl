// attention_backward_keys — the gradients of attention_train's keys and values, summed over all queries that attend to them:
// later rows of the sequence, and all heads that share a KV head. The weights of the softmax are computed again.
//
//   w_q  = exp(s_q − log_sum_q)
//   ds_q = w_q · (dy_q · v − delta_q) · SCALE, on capped scores times 1 − (s_q / SOFTCAP)²
//   dv   = Σ_q w_q · dy_q        dk = Σ_q ds_q · q        (with ACCUMULATE_… added to what they are)
//
// Shapes    q, dy: [n_rows, N_HEAD, HEAD_DIM] f32; k, v, dk, dv: [n_rows, N_HEAD_KV, HEAD_DIM]; statistics: [n_rows, N_HEAD, 2],
//           what attention_delta made; rows as attention_train's, the sequences in order. With PARTS above 1, dk and dv are
//           [n_rows, PARTS, N_HEAD_KV · HEAD_DIM]: each part is of N_HEAD / N_HEAD_KV / PARTS heads, and sum_parts adds them
// Dispatch  x over tiles of 4 · GROUPS rows, y over N_HEAD_KV, z over PARTS: one workgroup makes a gradient, so the sums are in
//           a fixed order
// Limits    HEAD_DIM a multiple of 4, at most 512; about 13 KiB of workgroup memory
// Numerics  f32; each key's sum in the order of rows, of heads within a row. Exponents are between −80 and 80
// Source    Dao et al., "FlashAttention" (2022), algorithm 4
// Reference test/reference/attention_backward.ts

override BLOCKS: u32; // of 32 quads that a head has: HEAD_DIM / 128, rounded up

struct Shape {
  N_HEAD: u32,
  N_HEAD_KV: u32,
  QUADS: u32, // HEAD_DIM / 4
  SCALE: f32,
  WINDOW: u32, // 0: every key up to the row's own
  SOFTCAP: f32, // 0: none
  ACCUMULATE_KEYS: u32, // not with parts
  ACCUMULATE_VALUES: u32,
  PARTS: u32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> q: array<vec4f>;
@group(0) @binding(3) var<storage, read> k: array<vec4f>;
@group(0) @binding(4) var<storage, read> v: array<vec4f>;
@group(0) @binding(5) var<storage, read> dy: array<vec4f>;
@group(0) @binding(6) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> dv: array<vec4f>;
@group(0) @binding(9) var<uniform> shape: Shape;

#include "lib/batch_scores.wgsl"
#include "lib/batch_tile.wgsl"
#include "lib/four_vectors.wgsl"
#include "lib/tanh.wgsl"
#include "lib/visible.wgsl"

const SCORES = 0u; // k with q
const WEIGHT_GRADIENTS = 1u; // v with dy

fn own_quad(which: u32, place: u32) -> vec4f {
  if (which == SCORES) {
    return k[place];
  }
  return v[place];
}

fn other_quad(which: u32, place: u32) -> vec4f {
  if (which == SCORES) {
    return q[place];
  }
  return dy[place];
}

// Of one query with four keys.
struct Coefficients {
  weight: vec4f,
  gradient: vec4f,
}

@compute @workgroup_size(32u * GROUPS)
fn attention_backward_keys(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first_row = wid.x * 4u * GROUPS;
  if (first_row >= step.n_rows) {
    return;
  }
  let kv_head = wid.y;
  let share = shape.N_HEAD / shape.N_HEAD_KV / shape.PARTS; // heads of this part
  let first_head = (kv_head * shape.PARTS + wid.z) * share;
  let last_row = min(first_row + 4u * GROUPS, step.n_rows) - 1u;
  let lane = lid % 32u;
  let first_of_group = first_row + lid / 32u * 4u;
  let keys = vec4u(first_of_group) + vec4u(0u, 1u, 2u, 3u);
  let own = (min(first_row + lid / CHUNK, last_row) * shape.N_HEAD_KV + kv_head) * shape.QUADS;

  var key_sums = Sums();
  var value_sums = Sums();
  // The first visible key grows with the row: after a row that sees none of these keys, none does.
  let end = step.n_rows * share;
  for (var begin = first_row * share; begin < end; begin += TILE) {
    if (first_key(begin / share) > last_row) {
      break;
    }
    workgroupBarrier(); // places and coefficients of the tile before have been read
    if (lid < TILE) {
      places[lid] = head_of(min(begin + lid, end - 1u), share, first_head) * shape.QUADS;
    }
    workgroupBarrier();
    let score = products(SCORES, own, lid);
    let change = products(WEIGHT_GRADIENTS, own, lid);
    let low = coefficients(begin + lane, end, share, first_head, keys, score.low, change.low);
    let high = coefficients(begin + lane + 32u, end, share, first_head, keys, score.high, change.high);
    set_coefficients(low.weight, high.weight, lid);
    value_sums = plus_tile(value_sums, WEIGHT_GRADIENTS, min(TILE, end - begin), lid);
    set_coefficients(low.gradient, high.gradient, lid);
    key_sums = plus_tile(key_sums, SCORES, min(TILE, end - begin), lid);
  }

  for (var c = 0u; c < 4u; c++) {
    let row = first_of_group + c;
    if (row > last_row) {
      return;
    }
    let at = ((row * shape.PARTS + wid.z) * shape.N_HEAD_KV + kv_head) * shape.QUADS;
    store(at, lane, column(key_sums.quad_0, c), column(value_sums.quad_0, c));
    store(at, lane + 32u, column(key_sums.quad_1, c), column(value_sums.quad_1, c));
    store(at, lane + 64u, column(key_sums.quad_2, c), column(value_sums.quad_2, c));
    store(at, lane + 96u, column(key_sums.quad_3, c), column(value_sums.quad_3, c));
  }
}

// Among all heads of all rows, that of a part's query.
fn head_of(query: u32, share: u32, first_head: u32) -> u32 {
  return query / share * shape.N_HEAD + first_head + query % share;
}

fn coefficients(
  query: u32,
  end: u32,
  share: u32,
  first_head: u32,
  keys: vec4u,
  product: vec4f,
  change: vec4f,
) -> Coefficients {
  let last = min(query, end - 1u);
  let row = last / share;
  let known = statistics[head_of(last, share, first_head)];
  let sees = (keys >= vec4u(first_key(row))) & (keys <= vec4u(row)) & vec4<bool>(query < end);
  let score = finished(product);
  let weight = select(vec4f(), softmax_weight(score, vec4f(known.x)), sees);
  return Coefficients(weight, weight * (change - known.y) * finished_slope(score));
}

fn store(at: u32, quad: u32, key: vec4f, value: vec4f) {
  if (quad < shape.QUADS) {
    dk[at + quad] = key + select(vec4f(), dk[at + quad], shape.ACCUMULATE_KEYS != 0u);
    dv[at + quad] = value + select(vec4f(), dv[at + quad], shape.ACCUMULATE_VALUES != 0u);
  }
}

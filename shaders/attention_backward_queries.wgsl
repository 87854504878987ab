// attention_backward_queries — the gradient of attention_train's queries, the weights of the softmax computed again.
//
//   w_p  = exp(s_p − log_sum)
//   ds_p = w_p · (dy · v_p − delta) · SCALE, on capped scores times 1 − (s_p / SOFTCAP)²
//   dq   = Σ_p ds_p · k_p
//
// Shapes    q, dy, dq: [n_rows, N_HEAD, HEAD_DIM] f32; k, v: [n_rows, N_HEAD_KV, HEAD_DIM]; statistics: [n_rows, N_HEAD, 2],
//           what attention_delta made; rows as attention_train's
// Dispatch  x over tiles of 4 · GROUPS queries of the heads that share a KV head, y over N_HEAD_KV
// Limits    HEAD_DIM a multiple of 4, at most 512; about 13 KiB of workgroup memory
// Numerics  f32; each query's sum in the order of keys. Exponents are between −80 and 80
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
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> q: array<vec4f>;
@group(0) @binding(3) var<storage, read> k: array<vec4f>;
@group(0) @binding(4) var<storage, read> v: array<vec4f>;
@group(0) @binding(5) var<storage, read> dy: array<vec4f>;
@group(0) @binding(6) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(8) var<uniform> shape: Shape;

#include "lib/batch_scores.wgsl"
#include "lib/batch_tile.wgsl"
#include "lib/four_vectors.wgsl"
#include "lib/tanh.wgsl"
#include "lib/visible.wgsl"

const SCORES = 0u; // q with k
const WEIGHT_GRADIENTS = 1u; // dy with v

fn own_quad(which: u32, place: u32) -> vec4f {
  if (which == SCORES) {
    return q[place];
  }
  return dy[place];
}

fn other_quad(which: u32, place: u32) -> vec4f {
  if (which == SCORES) {
    return k[place];
  }
  return v[place];
}

@compute @workgroup_size(32u * GROUPS)
fn attention_backward_queries(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let share = shape.N_HEAD / shape.N_HEAD_KV;
  let kv_head = wid.y;
  let n_queries = step.n_rows * share;
  let first_query = wid.x * 4u * GROUPS;
  if (first_query >= n_queries) {
    return;
  }
  let last_query = n_queries - 1u;
  let lane = lid % 32u;

  // Past the last query, it is computed again; the store below is guarded.
  let first_of_group = first_query + lid / 32u * 4u;
  let four = min(vec4u(first_of_group) + vec4u(0u, 1u, 2u, 3u), vec4u(last_query));
  let query_rows = four / share;
  let heads = query_rows * shape.N_HEAD + kv_head * share + four % share;
  let firsts = vec4u(first_key(query_rows.x), first_key(query_rows.y), first_key(query_rows.z), first_key(query_rows.w));
  let known = mat4x2f(statistics[heads.x], statistics[heads.y], statistics[heads.z], statistics[heads.w]);
  let log_sum = vec4f(known[0].x, known[1].x, known[2].x, known[3].x);
  let delta = vec4f(known[0].y, known[1].y, known[2].y, known[3].y);
  let fetched = min(first_query + lid / CHUNK, last_query);
  let own = (fetched / share * shape.N_HEAD + kv_head * share + fetched % share) * shape.QUADS;

  var sums = Sums();
  let end = min(first_query + 4u * GROUPS - 1u, last_query) / share + 1u;
  for (var begin = first_key(first_query / share); begin < end; begin += TILE) {
    workgroupBarrier(); // places and coefficients of the tile before have been read
    if (lid < TILE) {
      places[lid] = (min(begin + lid, end - 1u) * shape.N_HEAD_KV + kv_head) * shape.QUADS;
    }
    workgroupBarrier();
    let score = products(SCORES, own, lid);
    let change = products(WEIGHT_GRADIENTS, own, lid);
    let low_key = vec4u(begin + lane);
    let high_key = low_key + 32u;
    let low = select(
      vec4f(),
      score_gradient(finished(score.low), log_sum, change.low - delta),
      (low_key >= firsts) & (low_key <= query_rows),
    );
    let high = select(
      vec4f(),
      score_gradient(finished(score.high), log_sum, change.high - delta),
      (high_key >= firsts) & (high_key <= query_rows),
    );
    set_coefficients(low, high, lid);
    sums = plus_tile(sums, SCORES, min(TILE, end - begin), lid);
  }

  for (var c = 0u; c < 4u; c++) {
    if (first_of_group + c > last_query) {
      return;
    }
    let at = heads[c] * shape.QUADS;
    store(at, lane, column(sums.quad_0, c));
    store(at, lane + 32u, column(sums.quad_1, c));
    store(at, lane + 64u, column(sums.quad_2, c));
    store(at, lane + 96u, column(sums.quad_3, c));
  }
}

fn score_gradient(score: vec4f, log_sum: vec4f, change: vec4f) -> vec4f {
  return softmax_weight(score, log_sum) * change * finished_slope(score);
}

fn store(at: u32, quad: u32, value: vec4f) {
  if (quad < shape.QUADS) {
    dq[at + quad] = value;
  }
}

// attention_train — softmax attention over the rows of a batch of whole sequences, which leaves what the way back needs: the
// logarithm of each softmax's denominator.
//
//   s_p = SCALE · q · k_p        over rows p of the same sequence up to the query's own, on sliding layers only the last WINDOW
//   s_p ← SOFTCAP · tanh(s_p / SOFTCAP)      where SOFTCAP is above 0 (Gemma 2)
//   log_sum = log Σ_p exp(s_p)
//   y       = Σ_p exp(s_p − log_sum) · v_p
//
// Shapes    q, y: [n_rows, N_HEAD, HEAD_DIM] f32; k, v: [n_rows, N_HEAD_KV, HEAD_DIM]; log_sums: [n_rows, N_HEAD]. A row's
//           page_table is its sequence's first row, its position counts from there
// Dispatch  x over tiles of 4 · GROUPS queries of the heads that share a KV head, y over N_HEAD_KV
// Limits    HEAD_DIM a multiple of 4, at most 512; about 14 KiB of workgroup memory
// Numerics  f32, online softmax over tiles of 64 keys from the first that a workgroup's queries see. No infinities: exponents
//           are ≥ −80
// Source    Dao et al., "FlashAttention" (2022)
// Reference test/reference/attention_train.ts

override BLOCKS: u32; // of 32 quads that a head has: HEAD_DIM / 128, rounded up
const NO_SCORE = -3.0e38;

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
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> log_sums: array<f32>;
@group(0) @binding(7) var<uniform> shape: Shape;

#include "lib/batch_scores.wgsl"
#include "lib/batch_tile.wgsl"
#include "lib/four_vectors.wgsl"
#include "lib/tanh.wgsl"
#include "lib/visible.wgsl"

// By group of four queries.
var<workgroup> eighths: array<vec4f, 8u * GROUPS>; // [GROUPS][8]: maxima, at last sums, of eighths of a tile
var<workgroup> largest: array<vec4f, GROUPS>;
var<workgroup> fades: array<vec4f, GROUPS>;

fn own_quad(which: u32, place: u32) -> vec4f {
  return q[place];
}

fn other_quad(which: u32, place: u32) -> vec4f {
  if (which == 0u) {
    return k[place];
  }
  return v[place];
}

fn weights_of(score: vec4f, maximum: vec4f) -> vec4f {
  return select(vec4f(), exp(max(score - maximum, vec4f(-80.0))), score > vec4f(NO_SCORE));
}

@compute @workgroup_size(32u * GROUPS)
fn attention_train(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let share = shape.N_HEAD / shape.N_HEAD_KV;
  let kv_head = wid.y;
  let n_queries = step.n_rows * share;
  let first_query = wid.x * 4u * GROUPS;
  if (first_query >= n_queries) {
    return;
  }
  let last_query = n_queries - 1u;
  let group = lid / 32u;
  let lane = lid % 32u;

  // Past the last query, it is computed again; the store below is guarded.
  let four = min(vec4u(first_query + 4u * group) + vec4u(0u, 1u, 2u, 3u), vec4u(last_query));
  let query_rows = four / share;
  let heads = query_rows * shape.N_HEAD + kv_head * share + four % share;
  let firsts = vec4u(first_key(query_rows.x), first_key(query_rows.y), first_key(query_rows.z), first_key(query_rows.w));
  let fetched = min(first_query + lid / CHUNK, last_query);
  let own = (fetched / share * shape.N_HEAD + kv_head * share + fetched % share) * shape.QUADS;

  var sums = Sums();
  var weight_sum = vec4f(); // of four queries and an eighth of the keys, in the first 8 · GROUPS invocations
  if (lid < GROUPS) {
    largest[lid] = vec4f(NO_SCORE);
  }
  let end = min(first_query + 4u * GROUPS - 1u, last_query) / share + 1u;
  for (var begin = first_key(first_query / share); begin < end; begin += TILE) {
    workgroupBarrier(); // places and coefficients of the tile before have been read
    if (lid < TILE) {
      places[lid] = (min(begin + lid, end - 1u) * shape.N_HEAD_KV + kv_head) * shape.QUADS;
    }
    workgroupBarrier();
    let both = products(0u, own, lid);
    let low_key = vec4u(begin + lane);
    let high_key = low_key + 32u;
    let low = select(vec4f(NO_SCORE), finished(both.low), (low_key >= firsts) & (low_key <= query_rows));
    let high = select(vec4f(NO_SCORE), finished(both.high), (high_key >= firsts) & (high_key <= query_rows));
    set_coefficients(low, high, lid);
    let eighth = lid / 8u * PADDED + lid % 8u * 8u;
    if (lid < 8u * GROUPS) {
      var maximum = vec4f(NO_SCORE);
      for (var i = 0u; i < 8u; i++) {
        maximum = max(maximum, tile[eighth + i]);
      }
      eighths[lid] = maximum;
    }
    workgroupBarrier();
    if (lid < GROUPS) {
      var maximum = largest[lid];
      for (var i = 0u; i < 8u; i++) {
        maximum = max(maximum, eighths[8u * lid + i]);
      }
      fades[lid] = exp(max(largest[lid] - maximum, vec4f(-80.0)));
      largest[lid] = maximum;
    }
    workgroupBarrier();
    set_coefficients(weights_of(low, largest[group]), weights_of(high, largest[group]), lid);
    if (lid < 8u * GROUPS) {
      weight_sum *= fades[lid / 8u];
      for (var i = 0u; i < 8u; i++) {
        weight_sum += tile[eighth + i];
      }
    }
    let fade = fades[group];
    sums.quad_0 = faded(sums.quad_0, fade);
    sums.quad_1 = faded(sums.quad_1, fade);
    sums.quad_2 = faded(sums.quad_2, fade);
    sums.quad_3 = faded(sums.quad_3, fade);
    sums = plus_tile(sums, 1u, min(TILE, end - begin), lid);
  }

  workgroupBarrier();
  if (lid < 8u * GROUPS) {
    eighths[lid] = weight_sum;
  }
  workgroupBarrier();
  var total = vec4f(); // at least the e^0 of the largest score
  for (var i = 0u; i < 8u; i++) {
    total += eighths[8u * group + i];
  }
  let log_sum = largest[group] + log(total);
  for (var c = 0u; c < 4u; c++) {
    if (first_query + 4u * group + c > last_query) {
      return;
    }
    if (lane == 0u) {
      log_sums[heads[c]] = log_sum[c];
    }
    let at = heads[c] * shape.QUADS;
    store(at, lane, column(sums.quad_0, c) / total[c]);
    store(at, lane + 32u, column(sums.quad_1, c) / total[c]);
    store(at, lane + 64u, column(sums.quad_2, c) / total[c]);
    store(at, lane + 96u, column(sums.quad_3, c) / total[c]);
  }
}

fn store(at: u32, quad: u32, value: vec4f) {
  if (quad < shape.QUADS) {
    y[at + quad] = value;
  }
}

// attention_split — causal softmax attention of few rows over a paged KV cache, its keys split over workgroups. One
// workgroup takes one split of one row for up to eight query heads that share a KV head: keys and values are read once
// for all of them. attention_merge makes one of a row's splits; a row with a single split is complete here.
// src/engine/kernels/attention_split.ts adds how the cache is stored (lib/cache_<type>.wgsl), how keys meet queries
// (lib/tile_scores*.wgsl) and whether queries, keys and values come prepared (lib/split_reading.wgsl) or as projected
// (lib/split_preparing.wgsl), and puts the names for VARIANT.
//
//   s_p = SCALE · q · k_p        over p ≤ position, on sliding layers only position − p < WINDOW
//   s_p ← SOFTCAP · tanh(s_p / SOFTCAP)      where SOFTCAP is above 0 (Gemma 2)
//   partial of a split = (max_p s_p, Σ_p e^(s_p − max), Σ_p e^(s_p − max) · v_p)
//
// Shapes    q, y: [n_rows, N_HEAD, HEAD_DIM] f32; k, v: [n_pages · PAGE_SIZE, N_HEAD_KV, HEAD_DIM];
//           partial: [rows of the grid, N_HEAD, MAX_SPLITS, 4 + HEAD_DIM] f32: maximum, sum, 0, 0, then the vector
// Dispatch  x over splits of the longest row, y over N_HEAD_KV × groups of eight heads, z over the rows that
//           ROWS names, from FIRST on; what a row does not need does nothing
// Limits    HEAD_DIM a multiple of 4, at most 512; 13 KiB of workgroup memory
// Numerics  f32. Online softmax over tiles of 32 keys; lib/attention_splits.wgsl cuts by the row's own position, so a
//           row's bits depend on nothing but its own sequence. No infinities: masked keys have weight 0 and stand for
//           a visible one's address, exponents are ≥ −80
// Source    Dao et al., "FlashAttention" (2022); Dao, "Flash-Decoding for long-context inference" (2023)
// Reference test/reference/attention.ts

const WORKGROUP_SIZE = 256u;
const NO_SCORE = -3.0e38;

struct Shape {
  N_HEAD: u32,
  N_HEAD_KV: u32,
  Q_STRIDE: u32, // values from the queries of one row to those of the next; 0: they follow each other
  SCALE: f32,
  WINDOW: u32, // 0: every earlier key
  SOFTCAP: f32, // 0: none
  MAX_SPLITS: u32,
  ROWS: u32, // see lib/row_range.wgsl
  FIRST: u32, // of these, the first that this dispatch takes
  BATCH: u32, // how many it takes at most: z of the grid
}
override QUADS: u32; // HEAD_DIM / 4
override HEAD_QUADS: u32 = 2u; // 1 where no more than four query heads share a KV head
override PAGE_SIZE: u32 = 32u; // a power of two

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> page_tables: array<u32>;
@group(0) @binding(3) var<storage, read> q: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

// Parts of products on their way to scores, later of the output.
var<workgroup> scratch: array<vec4f, 576>;
// Scores, then weights, of four heads beside each other: [2][KEY_TILE].
var<workgroup> scores: array<vec4f, 64>;
var<workgroup> slots: array<u32, 32>; // where a key of the tile is in k and v
// By four heads, [2]: maxima of eighths of the tile, the largest so far, and how earlier sums fade.
var<workgroup> eighths: array<vec4f, 16>;
var<workgroup> largest: array<vec4f, 2>;
var<workgroup> fades: array<vec4f, 2>;

#include "lib/attention_splits.wgsl"
#include "lib/paging.wgsl"
#include "lib/row_range.wgsl"
#include "lib/tanh.wgsl"

// Of a key of the tile; beyond its end, anything.
fn value_at(key: u32, quad: u32) -> vec4f {
  return cache_v(slots[min(key, KEY_TILE - 1u)], quad);
}

// Of four heads; beyond the tile's end, none.
fn weight_at(key: u32, heads: u32) -> vec4f {
  return select(vec4f(), scores[heads * KEY_TILE + min(key, KEY_TILE - 1u)], key < KEY_TILE);
}

fn capped(score: f32) -> f32 {
  return shape.SOFTCAP * tanh_clamped(score / shape.SOFTCAP);
}

fn finished(sum: vec4f) -> vec4f {
  let scaled = sum * shape.SCALE;
  if (shape.SOFTCAP > 0.0) {
    return vec4f(capped(scaled.x), capped(scaled.y), capped(scaled.z), capped(scaled.w));
  }
  return scaled;
}

fn exp_from(score: vec4f, maximum: vec4f) -> vec4f {
  return exp(max(score - maximum, vec4f(-80.0)));
}

fn query_stride() -> u32 {
  return select(shape.Q_STRIDE / 4u, shape.N_HEAD * QUADS, shape.Q_STRIDE == 0u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn attention_split_VARIANT(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let range = row_range(shape.ROWS);
  let r = range.x + shape.FIRST + wid.z;
  if (r >= range.y) {
    return;
  }
  let row = rows[r];
  let splits = splits_of(row.position, shape.WINDOW);
  if (wid.x >= splits.count) {
    return;
  }
  let share = shape.N_HEAD / shape.N_HEAD_KV; // query heads of a KV head
  let parts = (share + 7u) / 8u;
  let kv_head = wid.y / parts;
  let first_head = kv_head * share + wid.y % parts * 8u;
  let last = min(8u, share - wid.y % parts * 8u) - 1u; // of the heads here
  let q_base = r * query_stride() + first_head * QUADS;
  let kv_quad = kv_head * QUADS;
  begin_row(lid, row, q_base, last, kv_head, wid.x == splits.count - 1u);

  // Of invocations, each with all of a value vector.
  let groups = WORKGROUP_SIZE / QUADS;
  let group = lid / QUADS;
  let quad = lid % QUADS;
  // By head: [2][4] vectors, written out, because an indexed array would spill to memory.
  var out_low = mat4x4f();
  var out_high = mat4x4f();
  // Of an eighth of the keys, in the first 16 invocations.
  var weight_sum = vec4f();

  if (lid < 2u) {
    largest[lid] = vec4f(NO_SCORE);
  }
  let first_tile = splits.tile + wid.x * splits.length;
  let end_tile = min(first_tile + splits.length, (splits.end + KEY_TILE - 1u) / KEY_TILE);
  for (var tile = first_tile; tile < end_tile; tile++) {
    let start = tile * KEY_TILE;
    if (lid < KEY_TILE) {
      slots[lid] = cache_slot(row.page_table, clamp(start + lid, splits.first, splits.end - 1u));
    }
    workgroupBarrier();

    // Values wait for no score: the first eight keys of a group are loaded before scores are known.
    let value_0 = value_at(group, kv_quad + quad);
    let value_1 = value_at(group + groups, kv_quad + quad);
    let value_2 = value_at(group + 2u * groups, kv_quad + quad);
    let value_3 = value_at(group + 3u * groups, kv_quad + quad);
    let value_4 = value_at(group + 4u * groups, kv_quad + quad);
    let value_5 = value_at(group + 5u * groups, kv_quad + quad);
    let value_6 = value_at(group + 6u * groups, kv_quad + quad);
    let value_7 = value_at(group + 7u * groups, kv_quad + quad);
    score_tile(lid, q_base, last, kv_quad);

    // Scale, cap and mask; the maximum of each eighth of the tile.
    if (lid < 8u * HEAD_QUADS) {
      let begin = lid / 8u * KEY_TILE;
      var maximum = vec4f(NO_SCORE);
      for (var key = lid % 8u; key < KEY_TILE; key += 8u) {
        let position = start + key;
        let visible = position >= splits.first && position < splits.end;
        let score = select(vec4f(NO_SCORE), finished(scores[begin + key]), visible);
        scores[begin + key] = score;
        maximum = max(maximum, score);
      }
      eighths[lid] = maximum;
    }
    workgroupBarrier();
    if (lid < HEAD_QUADS) {
      var maximum = largest[lid];
      for (var i = 0u; i < 8u; i++) {
        maximum = max(maximum, eighths[8u * lid + i]);
      }
      fades[lid] = exp_from(largest[lid], maximum);
      largest[lid] = maximum;
    }
    workgroupBarrier();
    if (lid < KEY_TILE * HEAD_QUADS) {
      let position = start + lid % KEY_TILE;
      let visible = position >= splits.first && position < splits.end;
      scores[lid] = select(vec4f(), exp_from(scores[lid], largest[lid / KEY_TILE]), visible);
    }
    workgroupBarrier();

    if (lid < 8u * HEAD_QUADS) {
      let begin = lid / 8u * KEY_TILE;
      weight_sum *= fades[lid / 8u];
      for (var key = lid % 8u; key < KEY_TILE; key += 8u) {
        weight_sum += scores[begin + key];
      }
    }
    if (group < groups) {
      out_low = faded(out_low, fades[0]);
      if (HEAD_QUADS > 1u) {
        out_high = faded(out_high, fades[1]);
      }
      out_low = weighted(out_low, value_0, weight_at(group, 0u));
      out_low = weighted(out_low, value_1, weight_at(group + groups, 0u));
      out_low = weighted(out_low, value_2, weight_at(group + 2u * groups, 0u));
      out_low = weighted(out_low, value_3, weight_at(group + 3u * groups, 0u));
      out_low = weighted(out_low, value_4, weight_at(group + 4u * groups, 0u));
      out_low = weighted(out_low, value_5, weight_at(group + 5u * groups, 0u));
      out_low = weighted(out_low, value_6, weight_at(group + 6u * groups, 0u));
      out_low = weighted(out_low, value_7, weight_at(group + 7u * groups, 0u));
      if (HEAD_QUADS > 1u) {
        out_high = weighted(out_high, value_0, weight_at(group, 1u));
        out_high = weighted(out_high, value_1, weight_at(group + groups, 1u));
        out_high = weighted(out_high, value_2, weight_at(group + 2u * groups, 1u));
        out_high = weighted(out_high, value_3, weight_at(group + 3u * groups, 1u));
        out_high = weighted(out_high, value_4, weight_at(group + 4u * groups, 1u));
        out_high = weighted(out_high, value_5, weight_at(group + 5u * groups, 1u));
        out_high = weighted(out_high, value_6, weight_at(group + 6u * groups, 1u));
        out_high = weighted(out_high, value_7, weight_at(group + 7u * groups, 1u));
      }
      let n_keys = min(KEY_TILE, splits.end - start);
      for (var key = group + 8u * groups; key < n_keys; key += 4u * groups) {
        let more_0 = value_at(key, kv_quad + quad);
        let more_1 = value_at(key + groups, kv_quad + quad);
        let more_2 = value_at(key + 2u * groups, kv_quad + quad);
        let more_3 = value_at(key + 3u * groups, kv_quad + quad);
        out_low = weighted(out_low, more_0, weight_at(key, 0u));
        out_low = weighted(out_low, more_1, weight_at(key + groups, 0u));
        out_low = weighted(out_low, more_2, weight_at(key + 2u * groups, 0u));
        out_low = weighted(out_low, more_3, weight_at(key + 3u * groups, 0u));
        if (HEAD_QUADS > 1u) {
          out_high = weighted(out_high, more_0, weight_at(key, 1u));
          out_high = weighted(out_high, more_1, weight_at(key + groups, 1u));
          out_high = weighted(out_high, more_2, weight_at(key + 2u * groups, 1u));
          out_high = weighted(out_high, more_3, weight_at(key + 3u * groups, 1u));
        }
      }
    }
    workgroupBarrier(); // slots and scores are written anew
  }

  if (lid < 8u * HEAD_QUADS) {
    eighths[lid] = weight_sum;
  }
  let single = splits.count == 1u;
  // Two heads at a time: one invocation a quad of one of them.
  for (var first = 0u; first <= last; first += 2u) {
    workgroupBarrier();
    scratch[lid] = out_of(out_low, out_high, first);
    scratch[WORKGROUP_SIZE + lid] = out_of(out_low, out_high, first + 1u);
    workgroupBarrier();
    let head = first + group;
    if (lid < 2u * QUADS && head <= last) {
      var sum = vec4f();
      for (var g = 0u; g < groups; g++) {
        sum += scratch[WORKGROUP_SIZE * group + g * QUADS + quad];
      }
      var weight = 0.0;
      for (var i = 0u; i < 8u; i++) {
        weight += eighths[head / 4u * 8u + i][head % 4u];
      }
      let of_all = r * shape.N_HEAD + first_head + head;
      if (single) {
        y[of_all * QUADS + quad] = sum / weight; // at least the e^0 of the largest score
      } else {
        let of_batch = wid.z * shape.N_HEAD + first_head + head;
        let at = (of_batch * shape.MAX_SPLITS + wid.x) * (QUADS + 1u);
        partial[at + 1u + quad] = sum;
        if (quad == 0u) {
          partial[at] = vec4f(largest[head / 4u][head % 4u], weight, 0.0, 0.0);
        }
      }
    }
  }
}

fn out_of(low: mat4x4f, high: mat4x4f, head: u32) -> vec4f {
  return select(column(high, head - 4u), column(low, head), head < 4u);
}

#include "lib/four_vectors.wgsl"

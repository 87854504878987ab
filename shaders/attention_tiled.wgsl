// attention_tiled — softmax attention of many rows over a paged KV cache: a workgroup takes 4 · GROUPS queries that
// share a KV head, of neighbouring rows and of all query heads that share it, over tiles of 64 keys.
// src/engine/kernels/attention_tiled.ts adds how the cache is stored (lib/cache_<type>.wgsl) and puts its name for VARIANT.
//
//   s_p = SCALE · q · k_p        over p ≤ last, on sliding layers only |position − p| < WINDOW
//   s_p ← SOFTCAP · tanh(s_p / SOFTCAP)      where SOFTCAP is above 0 (Gemma 2)
//   y   = Σ_p softmax(s)_p · v_p
//
// Shapes    q, y: [n_rows, N_HEAD, HEAD_DIM] f32; k, v: [n_pages · PAGE_SIZE, N_HEAD_KV, HEAD_DIM]
// Dispatch  x over tiles of 4 · GROUPS · N_HEAD_KV / N_HEAD rows of those that ROWS names, y over N_HEAD_KV
// Limits    HEAD_DIM a multiple of 4, at most 512; at most 4 · GROUPS query heads a KV head; 14 KiB of workgroup memory
// Numerics  f32, online softmax. Tiles begin at multiples of 64 positions, and a tile in which a row sees nothing leaves
//           its sums as they are: a row has the same bits in any cut of a prompt, and with any GROUPS. No infinities: exponents are ≥ −80
// Source    Dao et al., "FlashAttention" (2022)
// Reference test/reference/attention.ts

const KEYS = 64u; // of a tile
override GROUPS: u32 = 8u; // of four queries; 32 invocations each; 4 or 8
const CHUNK = 8u; // quads of q and k at a time
const NO_SCORE = -3.0e38;

struct Shape {
  N_HEAD: u32,
  N_HEAD_KV: u32,
  Q_STRIDE: u32, // values from the queries of one row to those of the next; 0: they follow each other
  SCALE: f32,
  WINDOW: u32, // 0: every key up to the row's last
  SOFTCAP: f32, // 0: none
  ROWS: u32, // see lib/row_range.wgsl
}
override QUADS: u32; // HEAD_DIM / 4
override PAGE_SIZE: u32 = 32u; // a power of two

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> page_tables: array<u32>;
@group(0) @binding(3) var<storage, read> q: array<vec4f>;
@group(0) @binding(4) var<storage, read> k: array<CacheWord>;
@group(0) @binding(5) var<storage, read> v: array<CacheWord>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(7) var<uniform> shape: Shape;

// Quads of keys, [CHUNK][KEYS]; then scores and weights of four queries beside each other, [KEYS][GROUPS].
var<workgroup> key_tile: array<vec4f, 512>;
var<workgroup> query_tile: array<vec4f, CHUNK * 4u * GROUPS>; // [CHUNK][4 · GROUPS]
var<workgroup> slots: array<u32, KEYS>; // where a key of the tile is in k and v
// By group of four queries.
var<workgroup> eighths: array<vec4f, 8u * GROUPS>; // [8][GROUPS]: maxima, at last sums, of eighths of a tile
var<workgroup> largest: array<vec4f, GROUPS>;
var<workgroup> fades: array<vec4f, GROUPS>;
var<workgroup> firsts: array<vec4u, GROUPS>; // visible positions: first … end − 1
var<workgroup> ends: array<vec4u, GROUPS>;

#include "lib/paging.wgsl"
#include "lib/row_range.wgsl"
#include "lib/tanh.wgsl"
#include "lib/visible.wgsl"

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

fn weights_of(score: vec4f, maximum: vec4f) -> vec4f {
  return select(vec4f(), exp(max(score - maximum, vec4f(-80.0))), score > vec4f(NO_SCORE));
}

// Where the vector of query i of a tile begins in q or y, whose rows are `stride` vec4 apart; beyond the last, the last's.
fn place_of(i: u32, first_row: u32, n_queries: u32, kv_head: u32, stride: u32) -> u32 {
  let share = shape.N_HEAD / shape.N_HEAD_KV;
  let query = min(i, n_queries * share - 1u);
  return (first_row + query / share) * stride + (kv_head * share + query % share) * QUADS;
}

fn query_stride() -> u32 {
  return select(shape.Q_STRIDE / 4u, shape.N_HEAD * QUADS, shape.Q_STRIDE == 0u);
}

@compute @workgroup_size(32u * GROUPS)
fn attention_tiled_VARIANT(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let queries = 4u * GROUPS;
  let share = shape.N_HEAD / shape.N_HEAD_KV;
  let range = row_range(shape.ROWS);
  let first_row = range.x + wid.x * (queries / share);
  if (first_row >= range.y) {
    return;
  }
  let n_queries = min(queries / share, range.y - first_row);
  let kv_head = wid.y;
  let kv_quad = kv_head * QUADS;
  let group = lid / 32u;
  let lane = lid % 32u;

  // Unrolled: an indexed array would spill to memory. Four queries at quads lane, lane + 32, lane + 64, lane + 96.
  var out_0 = mat4x4f();
  var out_1 = mat4x4f();
  var out_2 = mat4x4f();
  var out_3 = mat4x4f();
  var weight_sum = vec4f(); // of four queries and an eighth of the keys, in the first 8 · GROUPS invocations
  if (lid < GROUPS) {
    largest[lid] = vec4f(NO_SCORE);
  }

  // Neighbouring rows of one sequence at a time: mostly all.
  var run_end = 0u;
  for (var run = 0u; run < n_queries; run = run_end) {
    let table = rows[first_row + run].page_table;
    run_end = run + 1u;
    while (run_end < n_queries && rows[first_row + run_end].page_table == table) {
      run_end++;
    }
    let start = first_visible(rows[first_row + run], shape.WINDOW);
    let end = end_visible(rows[first_row + run_end - 1u], shape.WINDOW);
    workgroupBarrier();
    if (lid < queries) {
      let query = lid / share;
      let row = rows[first_row + min(query, n_queries - 1u)];
      let within = query >= run && query < run_end;
      firsts[lid / 4u][lid % 4u] = select(0u, first_visible(row, shape.WINDOW), within);
      ends[lid / 4u][lid % 4u] = select(0u, end_visible(row, shape.WINDOW), within);
    }

    for (var tile = start / KEYS * KEYS; tile < end; tile += KEYS) {
      workgroupBarrier(); // slots and scores of the tile before have been read
      if (lid < KEYS) {
        slots[lid] = cache_slot(table, clamp(tile + lid, start, end - 1u));
      }
      // Products of four queries with the keys lane and lane + 32.
      var score_0 = vec4f();
      var score_1 = vec4f();
      // The next chunk is on its way while one is used.
      let key = lid / CHUNK; // and key + queries, …: KEYS / queries of them
      let query = place_of(key, first_row, n_queries, kv_head, query_stride());
      var quad = lid % CHUNK;
      workgroupBarrier();
      var next_0 = key_quad(key, kv_quad, quad);
      var next_1 = key_quad(key + queries, kv_quad, quad);
      var next_2 = vec4f();
      var next_3 = vec4f();
      if (GROUPS < 8u) {
        next_2 = key_quad(key + 2u * queries, kv_quad, quad);
        next_3 = key_quad(key + 3u * queries, kv_quad, quad);
      }
      var next_query = q[query + min(quad, QUADS - 1u)];
      for (var chunk = 0u; chunk < QUADS; chunk += CHUNK) {
        workgroupBarrier();
        let at = lid % CHUNK;
        key_tile[at * KEYS + key] = next_0;
        key_tile[at * KEYS + key + queries] = next_1;
        if (GROUPS < 8u) {
          key_tile[at * KEYS + key + 2u * queries] = next_2;
          key_tile[at * KEYS + key + 3u * queries] = next_3;
        }
        query_tile[at * queries + key] = next_query;
        workgroupBarrier();
        quad += CHUNK;
        if (chunk + CHUNK < QUADS) {
          next_0 = key_quad(key, kv_quad, quad);
          next_1 = key_quad(key + queries, kv_quad, quad);
          if (GROUPS < 8u) {
            next_2 = key_quad(key + 2u * queries, kv_quad, quad);
            next_3 = key_quad(key + 3u * queries, kv_quad, quad);
          }
          next_query = q[query + min(quad, QUADS - 1u)];
        }
        for (var i = 0u; i < CHUNK; i++) {
          let first = i * queries + 4u * group;
          let four = mat4x4f(query_tile[first], query_tile[first + 1u], query_tile[first + 2u], query_tile[first + 3u]);
          score_0 += key_tile[i * KEYS + lane] * four;
          score_1 += key_tile[i * KEYS + lane + 32u] * four;
        }
      }
      let position_0 = vec4u(tile + lane);
      let position_1 = position_0 + 32u;
      let from_0 = (position_0 >= firsts[group]) & (position_0 < ends[group]);
      let from_1 = (position_1 >= firsts[group]) & (position_1 < ends[group]);
      score_0 = select(vec4f(NO_SCORE), finished(score_0), from_0);
      score_1 = select(vec4f(NO_SCORE), finished(score_1), from_1);
      workgroupBarrier(); // key_tile has been read
      key_tile[lane * GROUPS + group] = score_0;
      key_tile[(lane + 32u) * GROUPS + group] = score_1;
      workgroupBarrier();

      if (lid < 8u * GROUPS) {
        var maximum = vec4f(NO_SCORE);
        for (var i = 0u; i < 8u; i++) {
          maximum = max(maximum, key_tile[(lid / GROUPS * 8u + i) * GROUPS + lid % GROUPS]);
        }
        eighths[lid] = maximum;
      }
      workgroupBarrier();
      if (lid < GROUPS) {
        var maximum = largest[lid];
        for (var i = 0u; i < 8u; i++) {
          maximum = max(maximum, eighths[i * GROUPS + lid]);
        }
        fades[lid] = exp(max(largest[lid] - maximum, vec4f(-80.0)));
        largest[lid] = maximum;
      }
      workgroupBarrier();
      key_tile[lane * GROUPS + group] = weights_of(score_0, largest[group]);
      key_tile[(lane + 32u) * GROUPS + group] = weights_of(score_1, largest[group]);
      workgroupBarrier();

      if (lid < 8u * GROUPS) {
        weight_sum *= fades[lid % GROUPS];
        for (var i = 0u; i < 8u; i++) {
          weight_sum += key_tile[(lid / GROUPS * 8u + i) * GROUPS + lid % GROUPS];
        }
      }
      let fade = fades[group];
      out_0 = faded(out_0, fade);
      out_1 = faded(out_1, fade);
      out_2 = faded(out_2, fade);
      out_3 = faded(out_3, fade);
      let n_keys = min(KEYS, end - tile);
      if (lane < QUADS) {
        // Four keys at a time, so that their loads are on their way together; past the last the weights are 0.
        for (var i = 0u; i < n_keys; i += 4u) {
          let slot = vec4u(slots[i], slots[i + 1u], slots[i + 2u], slots[i + 3u]);
          let at = i * GROUPS + group;
          let weight = mat4x4f(
            key_tile[at],
            key_tile[at + GROUPS],
            key_tile[at + 2u * GROUPS],
            key_tile[at + 3u * GROUPS],
          );
          out_0 = plus_values(out_0, slot, kv_quad + lane, weight);
          if (QUADS > 32u) {
            out_1 = plus_values(out_1, slot, kv_quad + min(lane + 32u, QUADS - 1u), weight);
          }
          if (QUADS > 64u) {
            out_2 = plus_values(out_2, slot, kv_quad + min(lane + 64u, QUADS - 1u), weight);
          }
          if (QUADS > 96u) {
            out_3 = plus_values(out_3, slot, kv_quad + min(lane + 96u, QUADS - 1u), weight);
          }
        }
      }
    }
  }

  workgroupBarrier();
  if (lid < 8u * GROUPS) {
    eighths[lid] = weight_sum;
  }
  workgroupBarrier();
  var total = vec4f(); // at least the e^0 of the largest score
  for (var i = 0u; i < 8u; i++) {
    total += eighths[i * GROUPS + group];
  }
  for (var c = 0u; c < 4u; c++) {
    let query = 4u * group + c;
    if (query >= n_queries * share) {
      return;
    }
    let at = place_of(query, first_row, n_queries, kv_head, shape.N_HEAD * QUADS);
    store(at, lane, column(out_0, c) / total[c]);
    store(at, lane + 32u, column(out_1, c) / total[c]);
    store(at, lane + 64u, column(out_2, c) / total[c]);
    store(at, lane + 96u, column(out_3, c) / total[c]);
  }
}

// Zero past the end of a key.
fn key_quad(key: u32, kv_quad: u32, quad: u32) -> vec4f {
  return select(vec4f(), cache_k(slots[key], kv_quad + min(quad, QUADS - 1u)), quad < QUADS);
}

// Values of four keys at one quad, each times its weight in four queries: column i of `weight` is that of key i.
fn plus_values(sums: mat4x4f, slot: vec4u, quad: u32, weight: mat4x4f) -> mat4x4f {
  let value_0 = cache_v(slot.x, quad);
  let value_1 = cache_v(slot.y, quad);
  let value_2 = cache_v(slot.z, quad);
  let value_3 = cache_v(slot.w, quad);
  let two = weighted(weighted(sums, value_0, weight[0]), value_1, weight[1]);
  return weighted(weighted(two, value_2, weight[2]), value_3, weight[3]);
}

fn store(at: u32, quad: u32, value: vec4f) {
  if (quad < QUADS) {
    y[at + quad] = value;
  }
}

#include "lib/four_vectors.wgsl"

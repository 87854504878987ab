// attention — softmax attention over a paged KV cache, one query head of one row a workgroup.
//
//   s_p = SCALE · q · k_p        over p ≤ last, on sliding layers only |position − p| < WINDOW
//   s_p ← SOFTCAP · tanh(s_p / SOFTCAP)      where SOFTCAP is above 0 (Gemma 2)
//   y   = Σ_p softmax(s)_p · v_p
//
// Shapes    q, y: [n_rows, N_HEAD, HEAD_DIM] f32; k, v: [n_pages · PAGE_SIZE, N_HEAD_KV, HEAD_DIM] f32
// Dispatch  one workgroup a (row, head); those past step.n_rows do nothing
// Limits    HEAD_DIM a multiple of 4, at most 512; about 2.8 KiB of workgroup memory
// Numerics  online softmax in f32 over tiles of 64 keys. Tiles begin at the row's first visible key, so a row's bits
//           depend on nothing but its own sequence. No infinities: masked scores are left out, exponents are ≥ −80
//           (e^−80 is nothing beside the largest term, e^0).
// Source    Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018); pages: Kwon et al., "PagedAttention" (2023)
// Reference test/reference/attention.ts

const WORKGROUP_SIZE = 64u; // also the tile: one key an invocation
const MAX_QUADS = 128u; // HEAD_DIM / 4: two vec4 an invocation
const NO_SCORE = -3.0e38;

struct Shape {
  N_HEAD: u32,
  N_HEAD_KV: u32,
  HEAD_DIM: u32,
  Q_STRIDE: u32, // values from the queries of one row to those of the next; 0: they follow each other
  SCALE: f32,
  WINDOW: u32, // 0: every key up to the row's last
  SOFTCAP: f32, // 0: none
}
override PAGE_SIZE: u32 = 32u; // a power of two

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> page_tables: array<u32>;
@group(0) @binding(3) var<storage, read> q: array<vec4f>;
@group(0) @binding(4) var<storage, read> k: array<vec4f>;
@group(0) @binding(5) var<storage, read> v: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(7) var<uniform> shape: Shape;

var<workgroup> query: array<vec4f, MAX_QUADS>;
var<workgroup> tile_weight: array<f32, WORKGROUP_SIZE>;
var<workgroup> tile_base: array<u32, WORKGROUP_SIZE>; // where a key's head begins in k and v

#include "lib/linear.wgsl"
#include "lib/paging.wgsl"
#include "lib/tanh.wgsl"
#include "lib/visible.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn attention(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let quads = shape.HEAD_DIM / 4u;
  let head = linear_workgroup(wid, grid); // of all rows
  let r = head / shape.N_HEAD;
  if (r >= step.n_rows) {
    return;
  }
  let kv_head = (head % shape.N_HEAD) * shape.N_HEAD_KV / shape.N_HEAD;
  let page_table = rows[r].page_table;
  let first = first_visible(rows[r], shape.WINDOW);
  let end = end_visible(rows[r], shape.WINDOW);

  let stride = select(shape.Q_STRIDE / 4u, shape.N_HEAD * quads, shape.Q_STRIDE == 0u);
  let first_query = r * stride + (head % shape.N_HEAD) * quads;
  for (var i = lid; i < quads; i += WORKGROUP_SIZE) {
    query[i] = q[first_query + i] * shape.SCALE;
  }
  workgroupBarrier();

  var largest = NO_SCORE;
  var weight_sum = 0.0; // of this invocation's keys
  var low = vec4f(); // of y: quad lid
  var high = vec4f(); // of y: quad lid + 64
  for (var tile = first; tile < end; tile += WORKGROUP_SIZE) {
    let visible = tile + lid < end;
    var score = NO_SCORE;
    if (visible) {
      let base = (cache_slot(page_table, tile + lid) * shape.N_HEAD_KV + kv_head) * quads;
      tile_base[lid] = base;
      var products = vec4f();
      for (var i = 0u; i < quads; i++) {
        products += query[i] * k[base + i];
      }
      score = (products.x + products.y) + (products.z + products.w);
      if (shape.SOFTCAP > 0.0) {
        score = shape.SOFTCAP * tanh_clamped(score / shape.SOFTCAP);
      }
    }
    let grown = max(largest, workgroup_max(score, lid));
    let fade = exp(max(largest - grown, -80.0));
    let weight = select(0.0, exp(max(score - grown, -80.0)), visible);
    largest = grown;
    weight_sum = weight_sum * fade + weight;
    tile_weight[lid] = weight;
    workgroupBarrier();

    let n_keys = min(WORKGROUP_SIZE, end - tile);
    low *= fade;
    high *= fade;
    if (lid < quads) {
      for (var j = 0u; j < n_keys; j++) {
        low += tile_weight[j] * v[tile_base[j] + lid];
      }
    }
    if (lid + WORKGROUP_SIZE < quads) {
      for (var j = 0u; j < n_keys; j++) {
        high += tile_weight[j] * v[tile_base[j] + lid + WORKGROUP_SIZE];
      }
    }
    // The next tile's tile_base must wait for these reads.
    workgroupBarrier();
  }

  let total = workgroup_sum(weight_sum, lid); // at least the e^0 of the largest score
  if (lid < quads) {
    y[head * quads + lid] = low / total;
  }
  if (lid + WORKGROUP_SIZE < quads) {
    y[head * quads + lid + WORKGROUP_SIZE] = high / total;
  }
}

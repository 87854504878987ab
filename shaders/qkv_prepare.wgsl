// qkv_prepare — what attention needs of a row's projections: queries normed and rotated, in place; keys normed, rotated
// and values (normed, with NORM_VALUES) written to the caches.
//
// Shapes    qkv: [n_rows, STRIDE] f32: N_HEAD query heads, N_HEAD_KV of keys, N_HEAD_KV of values (with VALUES_FROM_KEYS: none, the
//           values are the keys as projected); q_weight, k_weight: [HEAD_DIM], bound and not read without HEAD_NORMS;
//           frequencies: as for rope; keys, values: f32 [slots][N_HEAD_KV · HEAD_DIM]
// Dispatch  x over heads, y over the rows that ROWS names; one workgroup a head
// Numerics  as rms_norm, rope and kv_write
// Reference test/reference/rms_norm.ts, rope.ts and kv_write.ts

const WORKGROUP_SIZE = 64u;

override N_HEAD: u32;
override N_HEAD_KV: u32;
override HEAD_DIM: u32; // even
override STRIDE: u32;
override EPS: f32;
override HEAD_NORMS: u32 = 1u;
override NORM_VALUES: u32 = 0u;
override VALUES_FROM_KEYS: u32 = 0u;
override ROWS: u32 = 0u; // see lib/row_range.wgsl
override PAGE_SIZE: u32 = 32u; // a power of two

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> page_tables: array<u32>;
@group(0) @binding(3) var<storage, read> q_weight: array<f32>;
@group(0) @binding(4) var<storage, read> k_weight: array<f32>;
@group(0) @binding(5) var<storage, read> frequencies: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(7) var<storage, read_write> keys: array<f32>;
@group(0) @binding(8) var<storage, read_write> values: array<f32>;

#include "lib/paging.wgsl"
#include "lib/prepare_head.wgsl"
#include "lib/row_range.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn qkv_prepare(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let range = row_range(ROWS);
  let row = range.x + wid.y;
  if (row >= range.y) {
    return;
  }
  var head = wid.x; // of its kind
  var kind = 0u; // queries, keys, values
  var source = wid.x; // of the row
  if (head >= N_HEAD) {
    head -= N_HEAD;
    kind = 1u;
    if (head >= N_HEAD_KV) {
      head -= N_HEAD_KV;
      kind = 2u;
      if (VALUES_FROM_KEYS != 0u) {
        source = N_HEAD + head;
      }
    }
  }
  let first = row * STRIDE + source * HEAD_DIM;
  for (var i = lid; i < HEAD_DIM; i += WORKGROUP_SIZE) {
    head_values[i] = qkv[first + i];
  }
  workgroupBarrier();
  var factor = 1.0;
  if ((kind < 2u && HEAD_NORMS != 0u) || (kind == 2u && NORM_VALUES != 0u)) {
    factor = head_factor(lid);
  }
  let position = rows[row].position;
  let slot = (cache_slot(rows[row].page_table, position) * N_HEAD_KV + head) * HEAD_DIM;
  if (kind == 2u) {
    for (var i = lid; i < HEAD_DIM; i += WORKGROUP_SIZE) {
      values[slot + i] = head_values[i] * factor;
    }
    return;
  }
  let half = HEAD_DIM / 2u;
  for (var i = lid; i < half; i += WORKGROUP_SIZE) {
    var a = head_values[i] * factor;
    var b = head_values[i + half] * factor;
    if (HEAD_NORMS != 0u) {
      if (kind == 0u) {
        a *= q_weight[i];
        b *= q_weight[i + half];
      } else {
        a *= k_weight[i];
        b *= k_weight[i + half];
      }
    }
    let turn = rotation(position, i);
    let rotated = vec2f(a * turn.x - b * turn.y, a * turn.y + b * turn.x);
    if (kind == 0u) {
      qkv[first + i] = rotated.x;
      qkv[first + i + half] = rotated.y;
    } else {
      keys[slot + i] = rotated.x;
      keys[slot + i + half] = rotated.y;
    }
  }
}

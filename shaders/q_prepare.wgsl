// q_prepare — queries normed and rotated, for a layer that attends another layer's keys and values.
//
// Shapes    q, y: [n_rows, N_HEAD, HEAD_DIM] f32; weight: [HEAD_DIM]; frequencies: as for rope
// Dispatch  x over heads, y over the rows that ROWS names; one workgroup a head
// Numerics  as rms_norm and rope
// Reference test/reference/rms_norm.ts and rope.ts

const WORKGROUP_SIZE = 64u;

override N_HEAD: u32;
override HEAD_DIM: u32; // even
override EPS: f32;
override ROWS: u32 = 0u; // see lib/row_range.wgsl

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> frequencies: array<vec2f>;
@group(0) @binding(4) var<storage, read> q: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

#include "lib/prepare_head.wgsl"
#include "lib/row_range.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn q_prepare(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let range = row_range(ROWS);
  let row = range.x + wid.y;
  if (row >= range.y) {
    return;
  }
  let first = (row * N_HEAD + wid.x) * HEAD_DIM;
  for (var i = lid; i < HEAD_DIM; i += WORKGROUP_SIZE) {
    head_values[i] = q[first + i];
  }
  workgroupBarrier();
  let factor = head_factor(lid);
  let position = rows[row].position;
  let half = HEAD_DIM / 2u;
  for (var i = lid; i < half; i += WORKGROUP_SIZE) {
    let a = head_values[i] * factor * weight[i];
    let b = head_values[i + half] * factor * weight[i + half];
    let turn = rotation(position, i);
    y[first + i] = a * turn.x - b * turn.y;
    y[first + i + half] = a * turn.y + b * turn.x;
  }
}

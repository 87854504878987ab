// get_rows_<type> — embedding lookup, a row a token, in a table of any weight type. src/engine/kernels/weight-kernels.ts
// makes a kernel of this for each: it adds lib/dequantize_<type>.wgsl and puts the type's name for TYPE.
//
//   y[r, i] = SCALE · W[token_r, i]      for tokens FIRST_ROW … FIRST_ROW + N_SLICE_ROWS − 1; other rows stay untouched
//
// Shapes    y: [n_rows, N] f32; weight: a slice of N_SLICE_ROWS rows of N values, one every ROW_STRIDE_WORDS words
// Dispatch  one workgroup a row; those behind step.n_rows do nothing. An invocation unpacks 8 values at a time
// Numerics  the format's own arithmetic in f32, in the order of its definition
// Reference test/reference/get_rows.ts

const WORKGROUP_SIZE = 64u;

override N: u32;
override ROW_STRIDE_WORDS: u32;
override FIRST_ROW: u32 = 0u;
override N_SLICE_ROWS: u32;
override SCALE: f32 = 1.0;

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> weight: array<WeightWord>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn get_rows_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let r = linear_workgroup(wid, grid);
  if (r >= step.n_rows) {
    return;
  }
  let token = rows[r].token;
  if (token < FIRST_ROW || token - FIRST_ROW >= N_SLICE_ROWS) {
    return;
  }
  let row = (token - FIRST_ROW) * ROW_STRIDE_WORDS;
  for (var chunk = lid; 8u * chunk < N; chunk += WORKGROUP_SIZE) {
    let values = dequantize(row, chunk);
    store_quad(r, 8u * chunk, values[0]);
    store_quad(r, 8u * chunk + 4u, values[1]);
  }
}

fn store_quad(r: u32, i: u32, values: vec4f) {
  let scaled = SCALE * values;
  let first = r * N + i;
  if (i < N) { y[first] = scaled.x; }
  if (i + 1u < N) { y[first + 1u] = scaled.y; }
  if (i + 2u < N) { y[first + 2u] = scaled.z; }
  if (i + 3u < N) { y[first + 3u] = scaled.w; }
}

// get_rows_<type> — embedding lookup, a row a token, in a table of any weight type. src/engine/kernels/weight-kernels.ts
// makes a kernel of this for each: it adds lib/weights_<type>.wgsl and puts the type's name for TYPE.
//
//   y[r, i] = SCALE · W[token_r, i]      for tokens FIRST_ROW … FIRST_ROW + N_SLICE_ROWS − 1; other rows stay untouched
//
// Shapes    y: [n_rows, N] f32; weight: a slice of N_SLICE_ROWS rows of N values, four beside each other
//           (interleave_rows.wgsl), ROW_STRIDE_WORDS words each
// Dispatch  one workgroup a row; those past step.n_rows do nothing. An invocation unpacks 8 values at a time
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
@group(0) @binding(2) var<storage, read> weight: array<vec4u>;
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
  let row = token - FIRST_ROW;
  for (var i = lid; 8u * i < N; i += WORKGROUP_SIZE) {
    let tile = tile_at((row / 4u) * ROW_STRIDE_WORDS, i);
    let quads = tile_quads(i);
    for (var j = 0u; j < 4u; j++) {
      store(r, 4u * quads.x + j, tile_value(tile, j)[row % 4u]);
      store(r, 4u * quads.y + j, tile_value(tile, j + 4u)[row % 4u]);
    }
  }
}

fn store(r: u32, i: u32, value: f32) {
  if (i < N) {
    y[r * N + i] = SCALE * value;
  }
}

fn weight_word(i: u32) -> vec4u {
  return weight[i];
}

fn row_length() -> u32 {
  return N;
}

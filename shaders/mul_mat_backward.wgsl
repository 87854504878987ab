// mul_mat_backward_<type> — the gradient of a product's input: the transposed matrix times the gradient of its output, without
// a transposed copy. src/engine/kernels/weight-kernels.ts makes a kernel of this for each weight type: it adds
// lib/weights_<type>.wgsl, and puts the type's name for TYPE.
//
//   dx[r, p, i] (+)= Σ_o W[o, i] · dy[r, FIRST_ROW + o]        o < N_SLICE_ROWS, o in part p of PARTS
//
// Shapes    dy: [n, N_OUT] f32; dx: [n, PARTS, N_IN] f32; weight: a slice of N_SLICE_ROWS rows of W, four beside each other
//           (interleave_rows.wgsl), ROW_STRIDE_WORDS words each; ROWS says which rows. A part has PART_ROWS rows of W, a
//           multiple of DEPTH, the last one fewer; sum_parts.wgsl adds the sums of several. ACCUMULATE: to what dx has
// Dispatch  a workgroup makes ROW_TILE rows × COLUMN_TILE values of N_IN, in the order of the weight type's tiles: x and y of
//           the grid run over those, z over tiles of rows and parts. For DEPTH rows of W at a time it unpacks its part of
//           them, once for all rows, and its values of dy into workgroup memory; then an invocation multiplies 4 · ROW_QUADS
//           rows with 4 values out of registers
// Limits    DEPTH · (ROW_TILE + COLUMN_TILE) · 4 bytes of workgroup memory; WORKGROUP_SIZE = (ROW_TILE / (4 · ROW_QUADS)) ·
//           (COLUMN_TILE / 4)
// Numerics  f32. A sum runs over its part of W's rows in order, whatever the tile sizes and however many rows
// Reference test/reference/mul_mat_backward.ts

override WORKGROUP_SIZE: u32 = 256u;
override ROW_TILE: u32 = 64u;
override COLUMN_TILE: u32 = 64u; // a multiple of 8
override DEPTH: u32 = 32u; // a multiple of 4
override ROW_QUADS: u32 = 1u; // 1 or 2

struct Shape {
  N_IN: u32,
  N_SLICE_ROWS: u32,
  FIRST_ROW: u32,
  N_OUT: u32,
  ROW_STRIDE_WORDS: u32,
  ROWS: u32, // see lib/row_range.wgsl
  PARTS: u32,
  PART_ROWS: u32,
  ACCUMULATE: u32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

var<workgroup> dy_tile: array<vec4f, DEPTH * ROW_TILE / 4u>; // [DEPTH][ROW_TILE / 4]: a value of four rows
var<workgroup> weight_tile: array<vec4f, DEPTH * COLUMN_TILE / 4u>; // [DEPTH][COLUMN_TILE / 4]: four values of a row of W

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_backward_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let range = row_range(shape.ROWS);
  let n = range.y;
  let part = wid.z % shape.PARTS;
  let first_row = range.x + ROW_TILE * (wid.z / shape.PARTS);
  let first_tile = COLUMN_TILE / 8u * linear_workgroup(wid, grid);
  let n_tiles = (shape.N_IN + 7u) / 8u;
  if (first_tile >= n_tiles || first_row >= n) {
    return;
  }
  let column = lid % (COLUMN_TILE / 4u); // this invocation's four values
  let row_quad = lid / (COLUMN_TILE / 4u) * ROW_QUADS; // and its rows, four at a time

  // Column i of a matrix: row i of four. Unrolled: an indexed array would spill to memory.
  var sums_0 = mat4x4f();
  var sums_1 = mat4x4f();
  let end = min((part + 1u) * shape.PART_ROWS, shape.N_SLICE_ROWS);
  for (var first = part * shape.PART_ROWS; first < end; first += DEPTH) {
    load_gradients(lid, first_row, n, first, end);
    load_weights(lid, first_tile, n_tiles, first, end);
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let w = weight_tile[k * (COLUMN_TILE / 4u) + column];
      let at = k * (ROW_TILE / 4u) + row_quad;
      sums_0 = accumulate(sums_0, dy_tile[at], w);
      if (ROW_QUADS > 1u) {
        sums_1 = accumulate(sums_1, dy_tile[at + 1u], w);
      }
    }
    workgroupBarrier();
  }

  let tile = first_tile + column / 2u;
  if (tile >= n_tiles) {
    return;
  }
  let quads = tile_quads(tile);
  let quad = select(quads.x, quads.y, column % 2u == 1u);
  let row = first_row + 4u * row_quad;
  store(row, n, part, 4u * quad, sums_0);
  if (ROW_QUADS > 1u) {
    store(row + 4u, n, part, 4u * quad, sums_1);
  }
}

fn accumulate(sums: mat4x4f, rows: vec4f, w: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(vec4f(rows.x), w, sums[0]),
    fma(vec4f(rows.y), w, sums[1]),
    fma(vec4f(rows.z), w, sums[2]),
    fma(vec4f(rows.w), w, sums[3]),
  );
}

// Zero past the last row, and past the last row of W.
fn load_gradients(lid: u32, first_row: u32, n: u32, first: u32, end: u32) {
  for (var i = lid; i < ROW_TILE / 4u * DEPTH; i += WORKGROUP_SIZE) {
    let k = i % DEPTH;
    let row = first_row + 4u * (i / DEPTH);
    var values = vec4f();
    if (first + k < end) {
      for (var r = 0u; r < 4u; r++) {
        if (row + r < n) {
          values[r] = dy[(row + r) * shape.N_OUT + shape.FIRST_ROW + first + k];
        }
      }
    }
    dy_tile[k * (ROW_TILE / 4u) + i / DEPTH] = values;
  }
}

// Four rows of W at a time, transposed so that four values of one row are one vector.
fn load_weights(lid: u32, first_tile: u32, n_tiles: u32, first: u32, end: u32) {
  let tiles = COLUMN_TILE / 8u;
  for (var i = lid; i < tiles * (DEPTH / 4u); i += WORKGROUP_SIZE) {
    let place = i % tiles;
    let quad = i / tiles;
    let tile = first_tile + place;
    let at = 4u * quad * (COLUMN_TILE / 4u) + 2u * place;
    var a = mat4x4f();
    var b = mat4x4f();
    if (tile < n_tiles && first + 4u * quad < end) {
      let values = tile_at((first / 4u + quad) * shape.ROW_STRIDE_WORDS, tile);
      a = transpose(mat4x4f(tile_value(values, 0u), tile_value(values, 1u), tile_value(values, 2u), tile_value(values, 3u)));
      b = transpose(mat4x4f(tile_value(values, 4u), tile_value(values, 5u), tile_value(values, 6u), tile_value(values, 7u)));
    }
    for (var r = 0u; r < 4u; r++) {
      weight_tile[at + r * (COLUMN_TILE / 4u)] = a[r];
      weight_tile[at + r * (COLUMN_TILE / 4u) + 1u] = b[r];
    }
  }
}

fn store(row: u32, n: u32, part: u32, column: u32, sums: mat4x4f) {
  for (var r = 0u; r < 4u; r++) {
    if (row + r >= n) {
      return;
    }
    let first = ((row + r) * shape.PARTS + part) * shape.N_IN + column;
    for (var c = 0u; c < 4u; c++) {
      if (column + c < shape.N_IN) {
        let before = select(0.0, dx[first + c], shape.ACCUMULATE == 1u);
        dx[first + c] = before + sums[r][c];
      }
    }
  }
}

fn weight_word(i: u32) -> vec4u {
  return weight[i];
}

fn row_length() -> u32 {
  return shape.N_IN;
}

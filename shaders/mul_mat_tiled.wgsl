// mul_mat_tiled_<type> — y = W · x for many rows of x: a register-tiled product, for prompts. src/engine/kernels/weight-kernels.ts
// makes a kernel of this for each weight type: it adds lib/weights_<type>.wgsl, and puts the type's name for TYPE.
//
//   y[r, p, FIRST_ROW + o] = Σ_i W[o, i] · x[r, i]        o < N_SLICE_ROWS, i in part p of PARTS
//
// Shapes    x: [n, N_IN] f32, N_IN a multiple of 4; y: [n, PARTS, N_OUT] f32; weight: a slice of N_SLICE_ROWS rows of W, four
//           beside each other (interleave_rows.wgsl), ROW_STRIDE_WORDS words each; ROWS says which rows. A part has
//           8 · PART_TILES values, a multiple of DEPTH, the last one fewer; add_parts.wgsl adds the sums of several
// Dispatch  a workgroup makes ROW_TILE rows × OUTPUT_TILE outputs: x and y of the grid run over tiles of outputs, z over tiles
//           of rows and parts. For DEPTH values of N_IN at a time it unpacks its weights, once for all rows, and its values
//           of x into workgroup memory; then an invocation multiplies 4 · ROW_QUADS rows with 4 outputs out of registers
// Limits    DEPTH · (ROW_TILE + OUTPUT_TILE) · 4 bytes of workgroup memory; WORKGROUP_SIZE = (ROW_TILE / (4 · ROW_QUADS)) ·
//           (OUTPUT_TILE / 4)
// Numerics  f32. A sum runs over its part of N_IN in one order, that of the weight type's tiles, whatever the tile sizes and
//           however many rows: a row has the same bits in any cut of a prompt
// Reference test/reference/mul_mat.ts

override WORKGROUP_SIZE: u32 = 256u;
override ROW_TILE: u32 = 64u;
override OUTPUT_TILE: u32 = 64u;
override DEPTH: u32 = 32u; // a multiple of 8
override ROW_QUADS: u32 = 1u; // 1, 2 or 4

struct Shape {
  N_IN: u32,
  N_SLICE_ROWS: u32,
  FIRST_ROW: u32,
  N_OUT: u32,
  ROW_STRIDE_WORDS: u32,
  ROWS: u32, // see lib/row_range.wgsl
  PARTS: u32,
  PART_TILES: u32, // tiles of 8 values
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

var<workgroup> x_tile: array<vec4f, DEPTH * ROW_TILE / 4u>; // [DEPTH][ROW_TILE / 4]: a value of four rows
var<workgroup> weight_tile: array<vec4f, DEPTH * OUTPUT_TILE / 4u>; // [DEPTH][OUTPUT_TILE / 4]: a weight of four outputs

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_tiled_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let range = row_range(shape.ROWS);
  let n = range.y;
  let part = wid.z % shape.PARTS;
  let first_row = range.x + ROW_TILE * (wid.z / shape.PARTS);
  let first_output = OUTPUT_TILE * linear_workgroup(wid, grid);
  if (first_output >= shape.N_SLICE_ROWS || first_row >= n) {
    return;
  }
  let column = lid % (OUTPUT_TILE / 4u); // this invocation's four outputs
  let row_quad = lid / (OUTPUT_TILE / 4u) * ROW_QUADS; // and its rows, four at a time

  // Column i of a matrix: row i of four, for four outputs. Unrolled: an indexed array would spill to memory.
  var sums_0 = mat4x4f();
  var sums_1 = mat4x4f();
  var sums_2 = mat4x4f();
  var sums_3 = mat4x4f();
  let end_tile = min((part + 1u) * shape.PART_TILES, (shape.N_IN + 7u) / 8u);
  for (var first_tile = part * shape.PART_TILES; first_tile < end_tile; first_tile += DEPTH / 8u) {
    load_rows(lid, first_row, n, first_tile, end_tile);
    load_weights(lid, first_output, first_tile, end_tile);
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let w = weight_tile[k * (OUTPUT_TILE / 4u) + column];
      let at = k * (ROW_TILE / 4u) + row_quad;
      sums_0 = accumulate(sums_0, x_tile[at], w);
      if (ROW_QUADS > 1u) {
        sums_1 = accumulate(sums_1, x_tile[at + 1u], w);
      }
      if (ROW_QUADS > 2u) {
        sums_2 = accumulate(sums_2, x_tile[at + 2u], w);
        sums_3 = accumulate(sums_3, x_tile[at + 3u], w);
      }
    }
    workgroupBarrier();
  }

  let output = first_output + 4u * column;
  let row = first_row + 4u * row_quad;
  store(row, n, part, output, sums_0);
  if (ROW_QUADS > 1u) {
    store(row + 4u, n, part, output, sums_1);
  }
  if (ROW_QUADS > 2u) {
    store(row + 8u, n, part, output, sums_2);
    store(row + 12u, n, part, output, sums_3);
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

// A quad of values of four rows, transposed so that a value of all four is one vector.
fn load_rows(lid: u32, first_row: u32, n: u32, first_tile: u32, end_tile: u32) {
  let row_quads = ROW_TILE / 4u;
  for (var i = lid; i < row_quads * (DEPTH / 4u); i += WORKGROUP_SIZE) {
    let place = i % (DEPTH / 4u); // of a quad of values among those of this round
    let tile = first_tile + place / 2u;
    let quads = tile_quads(tile);
    let quad = select(quads.x, quads.y, place % 2u == 1u);
    let row = first_row + 4u * (i / (DEPTH / 4u));
    let known = tile < end_tile && 4u * quad < shape.N_IN;
    let transposed = transpose(mat4x4f(
      x_quad(row, n, quad, known),
      x_quad(row + 1u, n, quad, known),
      x_quad(row + 2u, n, quad, known),
      x_quad(row + 3u, n, quad, known),
    ));
    let at = 4u * place * row_quads + i / (DEPTH / 4u);
    x_tile[at] = transposed[0];
    x_tile[at + row_quads] = transposed[1];
    x_tile[at + 2u * row_quads] = transposed[2];
    x_tile[at + 3u * row_quads] = transposed[3];
  }
}

// Zero past the end of a row and past the last row.
fn x_quad(row: u32, n: u32, quad: u32, known: bool) -> vec4f {
  if (known && row < n) {
    return x[row * (shape.N_IN / 4u) + quad];
  }
  return vec4f();
}

fn load_weights(lid: u32, first_output: u32, first_tile: u32, end_tile: u32) {
  let columns = OUTPUT_TILE / 4u;
  let n_quads = (shape.N_SLICE_ROWS + 3u) / 4u;
  for (var i = lid; i < columns * (DEPTH / 8u); i += WORKGROUP_SIZE) {
    let place = i % (DEPTH / 8u);
    let column = i / (DEPTH / 8u);
    let quad = min(first_output / 4u + column, n_quads - 1u); // past the last output: not stored
    let tile = first_tile + place;
    let at = 8u * place * columns + column;
    if (tile < end_tile) {
      let values = tile_at(quad * shape.ROW_STRIDE_WORDS, tile);
      for (var k = 0u; k < 8u; k++) {
        weight_tile[at + k * columns] = tile_value(values, k);
      }
    } else {
      for (var k = 0u; k < 8u; k++) {
        weight_tile[at + k * columns] = vec4f();
      }
    }
  }
}

fn store(row: u32, n: u32, part: u32, output: u32, sums: mat4x4f) {
  for (var r = 0u; r < 4u; r++) {
    if (row + r >= n) {
      return;
    }
    let first = ((row + r) * shape.PARTS + part) * shape.N_OUT + shape.FIRST_ROW + output;
    for (var c = 0u; c < 4u; c++) {
      if (output + c < shape.N_SLICE_ROWS) {
        y[first + c] = sums[r][c];
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

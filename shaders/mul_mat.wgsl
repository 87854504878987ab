// mul_mat_<type> — y = W · x for every row of x, whichever of the weight types W has. src/engine/kernels/weight-kernels.ts
// makes a kernel of this for each: it adds lib/weights_<type>.wgsl, how rows of x are loaded and how sums are joined, and
// puts the type's name for TYPE.
//
//   y[r, FIRST_ROW + o] = Σ_i W[o, i] · x[r, i]        o < N_SLICE_ROWS
//
// Shapes    x: [n, N_IN] f32; y: [n, N_OUT] f32; weight: a slice of N_SLICE_ROWS rows of W, four beside each other
//           (interleave_rows.wgsl), ROW_STRIDE_WORDS words each; ROWS says which rows (lib/row_range.wgsl)
// Dispatch  TEAM invocations share four outputs, WORKGROUP_SIZE / TEAM teams a workgroup: x and y of the grid run over
//           them, z over tiles of 4 rows of x. An invocation unpacks 8 weights of four outputs at a time and multiplies
//           them with the same 8 values of up to 4 rows: weights are read once for 4 rows, x once for 4 outputs
// Numerics  f32. The order of every sum is fixed by N_IN and TEAM: a row has the same bits alone and among others
// Reference test/reference/mul_mat.ts

override WORKGROUP_SIZE: u32 = 64u;
override TEAM: u32 = 8u; // a power of two, at most WORKGROUP_SIZE

const ROW_TILE = 4u;

struct Shape {
  N_IN: u32,
  N_SLICE_ROWS: u32,
  FIRST_ROW: u32,
  N_OUT: u32,
  ROW_STRIDE_WORDS: u32,
  ROWS: u32, // see lib/row_range.wgsl
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<Activation>;
@group(0) @binding(2) var<storage, read> weight: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  at: Invocation,
) {
  let range = row_range(shape.ROWS);
  let n = range.y;
  let first_row = range.x + ROW_TILE * wid.z;
  let teams = WORKGROUP_SIZE / TEAM;
  let n_quads = (shape.N_SLICE_ROWS + 3u) / 4u;
  let first_quad = teams * linear_workgroup(wid, grid);
  if (first_quad >= n_quads || first_row >= n) {
    return;
  }
  let n_tile = min(ROW_TILE, n - first_row);

  // Past the last output a team recomputes it; the store below is guarded.
  let base = min(first_quad + at.lid / TEAM, n_quads - 1u) * shape.ROW_STRIDE_WORDS;
  // Unrolled: an indexed array would spill to memory.
  var sums_0 = vec4f();
  var sums_1 = vec4f();
  var sums_2 = vec4f();
  var sums_3 = vec4f();
  for (var i = at.lid % TEAM; 8u * i < shape.N_IN; i += TEAM) {
    let tile = tile_at(base, i);
    let quads = tile_quads(i);
    sums_0 += tile_product(tile, load_quad(first_row, quads.x), load_quad(first_row, quads.y));
    if (n_tile > 1u) {
      sums_1 += tile_product(tile, load_quad(first_row + 1u, quads.x), load_quad(first_row + 1u, quads.y));
    }
    if (n_tile > 2u) {
      sums_2 += tile_product(tile, load_quad(first_row + 2u, quads.x), load_quad(first_row + 2u, quads.y));
    }
    if (n_tile > 3u) {
      sums_3 += tile_product(tile, load_quad(first_row + 3u, quads.x), load_quad(first_row + 3u, quads.y));
    }
  }
  contribute(0u, sums_0, at);
  if (n_tile > 1u) {
    contribute(1u, sums_1, at);
  }
  if (n_tile > 2u) {
    contribute(2u, sums_2, at);
  }
  if (n_tile > 3u) {
    contribute(3u, sums_3, at);
  }
  join(at);

  for (var j = at.lid; j < teams * n_tile; j += WORKGROUP_SIZE) {
    let sums = total(j / teams, j % teams, at);
    let output = 4u * (first_quad + j % teams);
    let first = (first_row + j / teams) * shape.N_OUT + shape.FIRST_ROW + output;
    for (var c = 0u; c < min(4u, shape.N_SLICE_ROWS - min(output, shape.N_SLICE_ROWS)); c++) {
      y[first + c] = sums[c];
    }
  }
}

fn weight_word(i: u32) -> vec4u {
  return weight[i];
}

fn row_length() -> u32 {
  return shape.N_IN;
}

// mul_mat_parts_<type> — the products of x with up to three matrices of one type beside each other: y = (A · x, B · x, C · x).
// Queries, keys and values in one. src/engine/kernels/weight-kernels.ts makes a kernel of this for each weight type.
//
// Shapes    x: [n, N_IN] f32; y: [n, N_OUT] f32 with the outputs of a, then b, then c, of which there are 4 · QUADS_A, 4 · QUADS_B
//           and 4 · QUADS_C; a, b, c: four rows beside each other; ROWS says which rows (lib/row_range.wgsl)
// Dispatch  as mul_mat: TEAM invocations share four outputs, z runs over tiles of 4 rows of x
// Numerics  as mul_mat, to the bit
// Reference test/reference/mul_mat.ts

override WORKGROUP_SIZE: u32 = 64u;
override TEAM: u32 = 8u; // a power of two, at most WORKGROUP_SIZE

const ROW_TILE = 4u;

struct Shape {
  N_IN: u32,
  N_OUT: u32,
  ROW_STRIDE_WORDS: u32,
  ROWS: u32,
  QUADS_A: u32,
  QUADS_B: u32,
  QUADS_C: u32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<Activation>;
@group(0) @binding(2) var<storage, read> a: array<vec4u>;
@group(0) @binding(3) var<storage, read> b: array<vec4u>;
@group(0) @binding(4) var<storage, read> c: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(6) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"

var<private> part: u32;

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_parts_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  at: Invocation,
) {
  let range = row_range(shape.ROWS);
  let first_row = range.x + ROW_TILE * wid.z;
  let teams = WORKGROUP_SIZE / TEAM;
  let n_quads = shape.QUADS_A + shape.QUADS_B + shape.QUADS_C;
  let first_quad = teams * linear_workgroup(wid, grid);
  if (first_quad >= n_quads || first_row >= range.y) {
    return;
  }
  let n_tile = min(ROW_TILE, range.y - first_row);

  // Past the last output a team recomputes it; the store below is guarded.
  var quad = min(first_quad + at.lid / TEAM, n_quads - 1u);
  if (quad >= shape.QUADS_A) {
    quad -= shape.QUADS_A;
    part = 1u;
    if (quad >= shape.QUADS_B) {
      quad -= shape.QUADS_B;
      part = 2u;
    }
  }
  let base = quad * shape.ROW_STRIDE_WORDS;
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
    let output = first_quad + j % teams;
    if (output < n_quads) {
      y[(first_row + j / teams) * (shape.N_OUT / 4u) + output] = total(j / teams, j % teams, at);
    }
  }
}

fn weight_word(i: u32) -> vec4u {
  switch part {
    case 0u: {
      return a[i];
    }
    case 1u: {
      return b[i];
    }
    default: {
      return c[i];
    }
  }
}

fn row_length() -> u32 {
  return shape.N_IN;
}

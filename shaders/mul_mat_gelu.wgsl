// mul_mat_gelu_<type> — y = gelu(W · x) ⊙ up: a gate that is multiplied with values that are there, as in Gemma 4's
// per-layer branch. For few rows. src/engine/kernels/weight-kernels.ts makes a kernel of this for each weight type.
//
// Shapes    x: [n, N_IN] f32; y: [n, N_OUT] f32; weight: [N_OUT][N_IN], four rows beside each other; up: [n, UP_STRIDE] f32, of
//           which N_OUT values from up_offset[0] on are used; ROWS says which rows (lib/row_range.wgsl)
// Dispatch  as mul_mat: TEAM invocations share four outputs, z runs over tiles of 4 rows of x
// Numerics  as mul_mat, then as geglu
// Reference test/reference/mul_mat.ts and geglu.ts

override WORKGROUP_SIZE: u32 = 64u;
override TEAM: u32 = 8u; // a power of two, at most WORKGROUP_SIZE

const ROW_TILE = 4u;

struct Shape {
  N_IN: u32,
  N_OUT: u32,
  ROW_STRIDE_WORDS: u32,
  ROWS: u32,
  UP_STRIDE: u32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<Activation>;
@group(0) @binding(2) var<storage, read> weight: array<vec4u>;
@group(0) @binding(3) var<storage, read> up: array<f32>;
@group(0) @binding(4) var<storage, read> up_offset: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"
#include "lib/tanh.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_gelu_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  at: Invocation,
) {
  let range = row_range(shape.ROWS);
  let first_row = range.x + ROW_TILE * wid.z;
  let teams = WORKGROUP_SIZE / TEAM;
  let n_quads = (shape.N_OUT + 3u) / 4u;
  let first_quad = teams * linear_workgroup(wid, grid);
  if (first_quad >= n_quads || first_row >= range.y) {
    return;
  }
  let n_tile = min(ROW_TILE, range.y - first_row);

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
    let row = first_row + j / teams;
    let gates = total(j / teams, j % teams, at);
    let output = 4u * (first_quad + j % teams);
    let factors = row * shape.UP_STRIDE + u32(up_offset[0]) + output;
    for (var c = 0u; c < min(4u, shape.N_OUT - min(output, shape.N_OUT)); c++) {
      y[row * shape.N_OUT + output + c] = gelu(gates[c]) * up[factors + c];
    }
  }
}

fn gelu(u: f32) -> f32 {
  return 0.5 * u * (1.0 + tanh_clamped(0.7978845608 * (u + 0.044715 * u * u * u)));
}

fn weight_word(i: u32) -> vec4u {
  return weight[i];
}

fn row_length() -> u32 {
  return shape.N_IN;
}

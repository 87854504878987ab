// mul_mat_geglu_<type> — both halves of a gated layer and their product in one: y = gelu(gate · x) ⊙ (up · x). For few
// rows. src/engine/kernels/weight-kernels.ts makes a kernel of this for each weight type.
//
// Shapes    x: [n, N_IN] f32; y: [n, N_OUT] f32; gate, up: [N_OUT][N_IN] of one type, four rows beside each other; ROWS
//           says which rows (lib/row_range.wgsl)
// Dispatch  as mul_mat: TEAM invocations share four outputs, z runs over tiles of 4 rows of x
// Numerics  as mul_mat, then as geglu
// Reference test/reference/mul_mat.ts and geglu.ts

override WORKGROUP_SIZE: u32 = 64u;
override TEAM: u32 = 8u; // a power of two, at most WORKGROUP_SIZE

const X_TILE = 4u; // rows of x
const ROW_TILE = 8u; // sums of a team: gate and up of each

struct Shape {
  N_IN: u32,
  N_OUT: u32,
  ROW_STRIDE_WORDS: u32,
  ROWS: u32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<Activation>;
@group(0) @binding(2) var<storage, read> gate: array<vec4u>;
@group(0) @binding(3) var<storage, read> up: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"
#include "lib/tanh.wgsl"

var<private> of_up: bool;

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_geglu_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  at: Invocation,
) {
  let range = row_range(shape.ROWS);
  let first_row = range.x + X_TILE * wid.z;
  let teams = WORKGROUP_SIZE / TEAM;
  let n_quads = (shape.N_OUT + 3u) / 4u;
  let first_quad = teams * linear_workgroup(wid, grid);
  if (first_quad >= n_quads || first_row >= range.y) {
    return;
  }
  let n_tile = min(X_TILE, range.y - first_row);

  // Past the last output a team recomputes it; the store below is guarded.
  let base = min(first_quad + at.lid / TEAM, n_quads - 1u) * shape.ROW_STRIDE_WORDS;
  // Unrolled: an indexed array would spill to memory.
  var gates_0 = vec4f();
  var gates_1 = vec4f();
  var gates_2 = vec4f();
  var gates_3 = vec4f();
  var ups_0 = vec4f();
  var ups_1 = vec4f();
  var ups_2 = vec4f();
  var ups_3 = vec4f();
  for (var i = at.lid % TEAM; 8u * i < shape.N_IN; i += TEAM) {
    let quads = tile_quads(i);
    of_up = false;
    let gates = tile_at(base, i);
    of_up = true;
    let ups = tile_at(base, i);
    var a = load_quad(first_row, quads.x);
    var b = load_quad(first_row, quads.y);
    gates_0 += tile_product(gates, a, b);
    ups_0 += tile_product(ups, a, b);
    if (n_tile > 1u) {
      a = load_quad(first_row + 1u, quads.x);
      b = load_quad(first_row + 1u, quads.y);
      gates_1 += tile_product(gates, a, b);
      ups_1 += tile_product(ups, a, b);
    }
    if (n_tile > 2u) {
      a = load_quad(first_row + 2u, quads.x);
      b = load_quad(first_row + 2u, quads.y);
      gates_2 += tile_product(gates, a, b);
      ups_2 += tile_product(ups, a, b);
    }
    if (n_tile > 3u) {
      a = load_quad(first_row + 3u, quads.x);
      b = load_quad(first_row + 3u, quads.y);
      gates_3 += tile_product(gates, a, b);
      ups_3 += tile_product(ups, a, b);
    }
  }
  contribute(0u, gates_0, at);
  contribute(4u, ups_0, at);
  if (n_tile > 1u) {
    contribute(1u, gates_1, at);
    contribute(5u, ups_1, at);
  }
  if (n_tile > 2u) {
    contribute(2u, gates_2, at);
    contribute(6u, ups_2, at);
  }
  if (n_tile > 3u) {
    contribute(3u, gates_3, at);
    contribute(7u, ups_3, at);
  }
  join(at);

  for (var j = at.lid; j < teams * n_tile; j += WORKGROUP_SIZE) {
    let r = j / teams;
    let gates = total(r, j % teams, at);
    let ups = total(4u + r, j % teams, at);
    let output = 4u * (first_quad + j % teams);
    let first = (first_row + r) * shape.N_OUT + output;
    for (var c = 0u; c < min(4u, shape.N_OUT - min(output, shape.N_OUT)); c++) {
      y[first + c] = gelu(gates[c]) * ups[c];
    }
  }
}

fn gelu(u: f32) -> f32 {
  return 0.5 * u * (1.0 + tanh_clamped(0.7978845608 * (u + 0.044715 * u * u * u)));
}

fn weight_word(i: u32) -> vec4u {
  if (of_up) {
    return up[i];
  }
  return gate[i];
}

fn row_length() -> u32 {
  return shape.N_IN;
}

// norm_mul_mat_geglu_<type> — norm_add_norm and the mul_mat_geglu that reads it, for few rows: y = gelu(gate · z) ⊙ (up · z)
// with z = the next norm of sum. src/engine/kernels/weight-kernels.ts makes a kernel of this for each weight type.
//
// Shapes    x, h, sum: [n, N_IN] f32; weight, next_weight: [N_IN]; scale: [1]; y: [n, N_OUT]; gate, up: as for mul_mat_geglu;
//           ROWS says which rows (lib/row_range.wgsl)
// Dispatch  as mul_mat: TEAM invocations share four outputs, z runs over rows of x: what is read again for another
//           row is near, and a team that sums for one has registers left
// Limits    N_IN a multiple of 8; nine storage buffers
// Numerics  f32, see lib/norm_in_product.wgsl: the same sums in another order, fixed by N_IN and TEAM
// Reference test/reference/rms_norm.ts, add_scaled.ts, mul_mat.ts and geglu.ts

override WORKGROUP_SIZE: u32 = 64u;
override TEAM: u32 = 8u; // a power of two, at most WORKGROUP_SIZE
override EPS: f32;

const ROW_TILE = 5u; // sums of a team: both products of gate and up, and squares

struct Shape {
  N_IN: u32,
  N_OUT: u32,
  ROW_STRIDE_WORDS: u32,
  ROWS: u32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<Activation>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read> next_weight: array<vec4f>;
@group(0) @binding(6) var<storage, read> gate: array<vec4u>;
@group(0) @binding(7) var<storage, read> up: array<vec4u>;
@group(0) @binding(8) var<storage, read_write> sum: array<vec4f>;
@group(0) @binding(9) var<storage, read_write> y: array<f32>;
@group(0) @binding(10) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"
#include "lib/norm_in_product.wgsl"
#include "lib/gelu.wgsl"
#include "lib/tanh.wgsl"

var<private> of_up: bool;

struct RowSums {
  gate_stream: vec4f,
  gate_branch: vec4f,
  up_stream: vec4f,
  up_branch: vec4f,
  squares: vec4f,
}

fn added(sums: RowSums, gates: Tile, ups: Tile, terms: NormTerms) -> RowSums {
  return RowSums(
    sums.gate_stream + tile_product(gates, terms.stream[0], terms.stream[1]),
    sums.gate_branch + tile_product(gates, terms.branch[0], terms.branch[1]),
    sums.up_stream + tile_product(ups, terms.stream[0], terms.stream[1]),
    sums.up_branch + tile_product(ups, terms.branch[0], terms.branch[1]),
    sums.squares + terms.squares,
  );
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn norm_mul_mat_geglu_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  at: Invocation,
) {
  let range = row_range(shape.ROWS);
  let r = range.x + wid.z;
  let teams = WORKGROUP_SIZE / TEAM;
  let n_quads = (shape.N_OUT + 3u) / 4u;
  let workgroup = linear_workgroup(wid, grid);
  let first_quad = teams * workgroup;
  if (first_quad >= n_quads || r >= range.y) {
    return;
  }

  // Past the last output a team recomputes it; the store below is guarded.
  let base = min(first_quad + at.lid / TEAM, n_quads - 1u) * shape.ROW_STRIDE_WORDS;
  var sums = RowSums();
  for (var i = at.lid % TEAM; 8u * i < shape.N_IN; i += TEAM) {
    of_up = false;
    let gates = tile_at(base, i);
    of_up = true;
    let ups = tile_at(base, i);
    let quads = tile_quads(i);
    sums = added(sums, gates, ups, norm_terms(r, quads, norm_weights(quads)));
  }
  contribute(0u, sums.gate_stream, at);
  contribute(1u, sums.gate_branch, at);
  contribute(2u, sums.up_stream, at);
  contribute(3u, sums.up_branch, at);
  contribute(4u, sums.squares, at);
  join(at);

  for (var team = at.lid; team < teams; team += WORKGROUP_SIZE) {
    let factors = norm_factors(total(4u, team, at));
    let gates = factors.all * (total(0u, team, at) + factors.first * total(1u, team, at));
    let ups = factors.all * (total(2u, team, at) + factors.first * total(3u, team, at));
    let output = 4u * (first_quad + team);
    let first = r * shape.N_OUT + output;
    for (var c = 0u; c < min(4u, shape.N_OUT - min(output, shape.N_OUT)); c++) {
      y[first + c] = gelu(gates[c]) * ups[c];
    }
  }
  let quads = shape.N_IN / 4u;
  let all = WORKGROUP_SIZE * ((n_quads + teams - 1u) / teams);
  for (var i = workgroup * WORKGROUP_SIZE + at.lid; i < quads; i += all) {
    write_sum(r, i, total(4u, 0u, at));
  }
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

// norm_mul_mat_parts_<type> — norm_add_norm and the mul_mat_parts that reads it, for few rows: y = (A · z, B · z, C · z) with
// z = the next norm of sum. src/engine/kernels/weight-kernels.ts makes a kernel of this for each weight type.
//
// Shapes    x, h, sum: [n, N_IN] f32; weight, next_weight: [N_IN]; scale: [1]; y: [n, N_OUT]; a, b, c: as for mul_mat_parts; ROWS
//           says which rows (lib/row_range.wgsl)
// Dispatch  as mul_mat: TEAM invocations share four outputs, z runs over rows of x: what is read again for another
//           row is near, and a team that sums for one has registers left
// Limits    N_IN a multiple of 8; ten storage buffers
// Numerics  f32, see lib/norm_in_product.wgsl: the same sums in another order, fixed by N_IN and TEAM
// Reference test/reference/rms_norm.ts, add_scaled.ts and mul_mat.ts

override WORKGROUP_SIZE: u32 = 64u;
override TEAM: u32 = 8u; // a power of two, at most WORKGROUP_SIZE
override EPS: f32;

const ROW_TILE = 3u; // sums of a team: of both products and of squares

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
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read> next_weight: array<vec4f>;
@group(0) @binding(6) var<storage, read> a: array<vec4u>;
@group(0) @binding(7) var<storage, read> b: array<vec4u>;
@group(0) @binding(8) var<storage, read> c: array<vec4u>;
@group(0) @binding(9) var<storage, read_write> sum: array<vec4f>;
@group(0) @binding(10) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(11) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"
#include "lib/norm_in_product.wgsl"

var<private> part: u32;

struct RowSums {
  stream: vec4f,
  branch: vec4f,
  squares: vec4f,
}

fn added(sums: RowSums, tile: Tile, terms: NormTerms) -> RowSums {
  return RowSums(
    sums.stream + tile_product(tile, terms.stream[0], terms.stream[1]),
    sums.branch + tile_product(tile, terms.branch[0], terms.branch[1]),
    sums.squares + terms.squares,
  );
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn norm_mul_mat_parts_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  at: Invocation,
) {
  let range = row_range(shape.ROWS);
  let r = range.x + wid.z;
  let teams = WORKGROUP_SIZE / TEAM;
  let n_quads = shape.QUADS_A + shape.QUADS_B + shape.QUADS_C;
  let workgroup = linear_workgroup(wid, grid);
  let first_quad = teams * workgroup;
  if (first_quad >= n_quads || r >= range.y) {
    return;
  }

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
  var sums = RowSums();
  for (var i = at.lid % TEAM; 8u * i < shape.N_IN; i += TEAM) {
    let tile = tile_at(base, i);
    let quads = tile_quads(i);
    sums = added(sums, tile, norm_terms(r, quads, norm_weights(quads)));
  }
  contribute(0u, sums.stream, at);
  contribute(1u, sums.branch, at);
  contribute(2u, sums.squares, at);
  join(at);

  for (var team = at.lid; team < teams; team += WORKGROUP_SIZE) {
    let output = first_quad + team;
    if (output < n_quads) {
      let factors = norm_factors(total(2u, team, at));
      let product = total(0u, team, at) + factors.first * total(1u, team, at);
      y[r * (shape.N_OUT / 4u) + output] = factors.all * product;
    }
  }
  let quads = shape.N_IN / 4u;
  let all = WORKGROUP_SIZE * ((n_quads + teams - 1u) / teams);
  for (var i = workgroup * WORKGROUP_SIZE + at.lid; i < quads; i += all) {
    write_sum(r, i, total(2u, 0u, at));
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

// mul_mat_id_<type> — y = W_e · x for each expert e that a row uses. Made for every weight type as mul_mat is:
// src/engine/kernels/weight-kernels.ts.
//
//   y[r, s, o] = Σ_i W[e · EXPERT_ROWS + EXPERT_OFFSET + o, i] · x[r, i]      e = experts[r, s], o < N_OUT
//                                                         (X_PER_EXPERT = 1: x[r, s, i])
//   for rows of W from FIRST_ROW to FIRST_ROW + N_SLICE_ROWS − 1; other values of y stay untouched
//
// A tensor holds the rows of all experts in turn, EXPERT_ROWS of each. Where gate and up are one tensor, EXPERT_OFFSET
// tells them apart. A slice may end within an expert.
//
// Shapes    x: [n_rows, N_IN] or [n_rows, USED, N_IN] f32; experts: [n_rows, USED] u32; y: [n_rows, USED, N_OUT] f32;
//           weight: a slice of N_SLICE_ROWS rows of W, four beside each other (interleave_rows.wgsl), ROW_STRIDE_WORDS
//           words each; FIRST_ROW is a multiple of 4
// Dispatch  TEAM invocations share four rows of W for one (row, expert), WORKGROUP_SIZE / TEAM teams a workgroup; an
//           invocation unpacks 8 weights of each at a time. Workgroups run over rows of W, then over pairs of row and expert
// Numerics  f32. The order of every sum is fixed by N_IN and TEAM: a row has the same bits alone and among others
// Reference test/reference/mul_mat_id.ts

override WORKGROUP_SIZE: u32 = 64u;
override TEAM: u32 = 8u; // a power of two, at most WORKGROUP_SIZE

const ROW_TILE = 1u;

struct Shape {
  N_IN: u32,
  N_OUT: u32,
  USED: u32,
  EXPERT_ROWS: u32,
  EXPERT_OFFSET: u32,
  X_PER_EXPERT: u32,
  FIRST_ROW: u32,
  N_SLICE_ROWS: u32,
  ROW_STRIDE_WORDS: u32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<Activation>;
@group(0) @binding(2) var<storage, read> experts: array<u32>;
@group(0) @binding(3) var<storage, read> weight: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> shape: Shape;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_id_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  at: Invocation,
) {
  let teams = WORKGROUP_SIZE / TEAM;
  // Rows of an expert may begin within four: one quad more than they fill.
  let n_quads = shape.N_OUT / 4u + 2u;
  let n_tiles = (n_quads + teams - 1u) / teams;
  let work = linear_workgroup(wid, grid);
  let pair = work / n_tiles;
  if (pair >= step.n_rows * shape.USED) {
    return;
  }
  let first_row = experts[pair] * shape.EXPERT_ROWS + shape.EXPERT_OFFSET;
  let first_quad = first_row / 4u + teams * (work % n_tiles);
  // The part of this expert's rows that is in this slice.
  let first = max(first_row, shape.FIRST_ROW);
  let end = min(first_row + shape.N_OUT, shape.FIRST_ROW + shape.N_SLICE_ROWS);
  if (first >= end || 4u * first_quad >= end || 4u * (first_quad + teams) <= first) {
    return;
  }

  // A team without outputs recomputes others; the store below is guarded.
  let quad = clamp(first_quad + at.lid / TEAM, first / 4u, (end - 1u) / 4u) - shape.FIRST_ROW / 4u;
  let base = quad * shape.ROW_STRIDE_WORDS;
  let x_row = select(pair / shape.USED, pair, shape.X_PER_EXPERT == 1u);
  var sums = vec4f();
  for (var i = at.lid % TEAM; 8u * i < shape.N_IN; i += TEAM) {
    let quads = tile_quads(i);
    sums += tile_product(tile_at(base, i), load_quad(x_row, quads.x), load_quad(x_row, quads.y));
  }
  contribute(0u, sums, at);
  join(at);

  for (var j = at.lid; j < teams; j += WORKGROUP_SIZE) {
    let joined = total(0u, j, at);
    for (var c = 0u; c < 4u; c++) {
      let row = 4u * (first_quad + j) + c;
      if (row >= first && row < end) {
        y[pair * shape.N_OUT + row - first_row] = joined[c];
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

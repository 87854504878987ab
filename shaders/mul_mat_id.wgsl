// mul_mat_id_<type> — y = W_e · x for each expert e that a row uses, W in the file's own format. Made for every weight
// type as mul_mat is: src/engine/kernels/weight-kernels.ts.
//
//   y[r, s, o] = Σ_i W[e · EXPERT_ROWS + EXPERT_OFFSET + o, i] · x[r, i]      e = experts[r, s], o < N_OUT
//                                                         (X_PER_EXPERT = 1: x[r, s, i])
//   for rows of W from FIRST_ROW to FIRST_ROW + N_SLICE_ROWS − 1; other values of y stay untouched
//
// A tensor holds the rows of all experts in turn, EXPERT_ROWS of each. Where gate and up are one tensor, EXPERT_OFFSET
// tells them apart. A slice may end within an expert.
//
// Shapes    x: [n_rows, N_IN] or [n_rows, USED, N_IN] f32; experts: [n_rows, USED] u32; y: [n_rows, USED, N_OUT] f32;
//           weight: a slice of N_SLICE_ROWS rows of W, one every ROW_STRIDE_WORDS words
// Dispatch  a workgroup makes 8 outputs of one (row, expert): 8 teams of 8 invocations, a team an output; an invocation
//           unpacks 8 weights at a time. Workgroups run over tiles of outputs, then over pairs of row and expert
// Numerics  f32. The order of every sum is fixed by N_IN alone: a row has the same bits alone and among others
// Reference test/reference/mul_mat_id.ts

const WORKGROUP_SIZE = 64u;
const TEAM = 8u; // invocations that share an output
const OUTPUT_TILE = 8u; // WORKGROUP_SIZE / TEAM

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
@group(0) @binding(3) var<storage, read> weight: array<WeightWord>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> shape: Shape;

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_id_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let n_tiles = (shape.N_OUT + OUTPUT_TILE - 1u) / OUTPUT_TILE;
  let work = linear_workgroup(wid, grid);
  let pair = work / n_tiles;
  if (pair >= step.n_rows * shape.USED) {
    return;
  }
  let first_output = OUTPUT_TILE * (work % n_tiles);
  let end_output = min(first_output + OUTPUT_TILE, shape.N_OUT);
  let first_row = experts[pair] * shape.EXPERT_ROWS + shape.EXPERT_OFFSET;
  // What of the tile lies in this slice.
  let first = max(first_row + first_output, shape.FIRST_ROW);
  let end = min(first_row + end_output, shape.FIRST_ROW + shape.N_SLICE_ROWS);
  if (first >= end) {
    return;
  }

  // A team whose output is not there repeats another, and nobody looks at the result.
  let row = clamp(first_row + first_output + lid / TEAM, first, end - 1u) - shape.FIRST_ROW;
  let x_row = select(pair / shape.USED, pair, shape.X_PER_EXPERT == 1u);
  var sum = 0.0;
  for (var chunk = lid % TEAM; 8u * chunk < shape.N_IN; chunk += TEAM) {
    let values = cut_tail(dequantize(row * shape.ROW_STRIDE_WORDS, chunk), chunk);
    sum += dot(values[0], load_quad(x_row, 2u * chunk)) + dot(values[1], load_quad(x_row, 2u * chunk + 1u));
  }
  partial[lid] = sum;
  workgroupBarrier();

  let output_row = first_row + first_output + lid;
  if (lid >= OUTPUT_TILE || output_row < first || output_row >= end) {
    return;
  }
  var total = 0.0;
  for (var i = 0u; i < TEAM; i++) {
    total += partial[lid * TEAM + i];
  }
  y[pair * shape.N_OUT + first_output + lid] = total;
}

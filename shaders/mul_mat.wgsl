// mul_mat_<type> — y = W · x for every row of x, W in the file's own format, whichever of the weight types that is.
// src/engine/kernels/weight-kernels.ts makes a kernel of this for each: it adds lib/dequantize_<type>.wgsl and how rows
// of x are loaded, and puts the type's name for TYPE.
//
//   y[r, FIRST_ROW + o] = Σ_i W[o, i] · x[r, i]        o < N_SLICE_ROWS
//
// Shapes    x: [n, N_IN] f32; y: [n, N_OUT] f32; weight: a slice of N_SLICE_ROWS rows of W, one every
//           ROW_STRIDE_WORDS words; n = step.n_rows, or step.n_outputs with ROWS_FROM = 1
// Dispatch  a workgroup makes 8 outputs of 8 rows of x: x and y of the grid run over tiles of outputs, z over tiles
//           of rows. 8 teams of 8 invocations, a team an output; an invocation unpacks 8 weights at a time and
//           multiplies them with the same 8 values of up to 8 rows: weights are read once for 8 rows
// Numerics  f32. The order of every sum is fixed by N_IN alone: a row has the same bits alone and among others
// Reference src/engine/reference/mul_mat.ts

const WORKGROUP_SIZE = 64u;
const TEAM = 8u; // invocations that share an output
const OUTPUT_TILE = 8u; // WORKGROUP_SIZE / TEAM
const ROW_TILE = 8u;

override N_IN: u32;
override N_SLICE_ROWS: u32;
override FIRST_ROW: u32 = 0u;
override N_OUT: u32;
override ROW_STRIDE_WORDS: u32;
override ROWS_FROM: u32 = 0u;

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<Activation>;
@group(0) @binding(2) var<storage, read> weight: array<WeightWord>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// Sums of every invocation for every row of the tile. WGSL begins with zeros.
var<workgroup> partial: array<f32, ROW_TILE * WORKGROUP_SIZE>;

#include "lib/linear.wgsl"
#include "lib/tail.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let n = select(step.n_rows, step.n_outputs, ROWS_FROM == 1u);
  let first_row = ROW_TILE * wid.z;
  let first_output = OUTPUT_TILE * linear_workgroup(wid, grid);
  if (first_output >= N_SLICE_ROWS || first_row >= n) {
    return;
  }
  let n_tile = min(ROW_TILE, n - first_row);

  // Behind the last output a team repeats it, and nobody looks at the result.
  let row = min(first_output + lid / TEAM, N_SLICE_ROWS - 1u) * ROW_STRIDE_WORDS;
  for (var chunk = lid % TEAM; 8u * chunk < N_IN; chunk += TEAM) {
    var values = dequantize(row, chunk);
    if (N_IN % 8u != 0u) {
      values = cut_tail(values, chunk, N_IN);
    }
    for (var t = 0u; t < n_tile; t++) {
      let first = load_quad(first_row + t, 2u * chunk);
      let second = load_quad(first_row + t, 2u * chunk + 1u);
      // A cell of its own for every invocation: as registers the loop over t would have to be written out eight times.
      partial[t * WORKGROUP_SIZE + lid] += dot(values[0], first) + dot(values[1], second);
    }
  }
  workgroupBarrier();

  // 8 outputs of 8 rows: one value an invocation.
  let tile_output = lid % OUTPUT_TILE;
  let tile_row = lid / OUTPUT_TILE;
  if (tile_row >= n_tile || first_output + tile_output >= N_SLICE_ROWS) {
    return;
  }
  let first = tile_row * WORKGROUP_SIZE + tile_output * TEAM;
  var sum = 0.0;
  for (var i = 0u; i < TEAM; i++) {
    sum += partial[first + i];
  }
  y[(first_row + tile_row) * N_OUT + FIRST_ROW + first_output + tile_output] = sum;
}

// mul_mat — y = W · x for every row of x, W in the file's own format.
//
//   y[r, FIRST_ROW + o] = Σ_i W[o, i] · x[r, i]        o < N_SLICE_ROWS
//
// Shapes    x: [n, N_IN] f32; y: [n, N_OUT] f32; weight: a slice of N_SLICE_ROWS rows of W; n = step.n_rows, or
//           step.n_outputs with ROWS_FROM = 1
// Dispatch  a workgroup makes 8 outputs of 8 rows of x: x and y of the grid run over tiles of outputs, z over tiles
//           of rows. 4 teams of 16 invocations, a team 2 outputs; an invocation unpacks 32 weights of each and
//           multiplies them with the same 32 values of up to 8 rows, so weights are read once for 8 rows
// Numerics  f32. The order of every sum is fixed by N_IN alone: a row has the same bits alone and among others

const WORKGROUP_SIZE = 64u;
const TEAM = 16u; // invocations that share an output
const ROW_TILE = 8u;
const OUTPUT_TILE = 8u; // WORKGROUP_SIZE / TEAM · 2

override N_IN: u32;
override N_SLICE_ROWS: u32;
override FIRST_ROW: u32 = 0u;
override N_OUT: u32;
override ROW_STRIDE_WORDS: u32;
override ROWS_FROM: u32 = 0u;

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// [row of the tile · 2 + which of the team's outputs][invocation]; WGSL begins with zeros.
var<workgroup> partial: array<f32, ROW_TILE * 2u * WORKGROUP_SIZE>;

#include "lib/linear.wgsl"
#include "lib/tail.wgsl"

fn mul_mat(wid: vec3u, grid: vec3u, lid: u32) {
  let n = select(step.n_rows, step.n_outputs, ROWS_FROM == 1u);
  let first_row = ROW_TILE * wid.z;
  let first_output = OUTPUT_TILE * linear_workgroup(wid, grid);
  if (first_output >= N_SLICE_ROWS || first_row >= n) {
    return;
  }
  let n_tile = min(ROW_TILE, n - first_row);

  // Behind the last output a team repeats it, and nobody looks at the result.
  let output = first_output + 2u * (lid / TEAM);
  let row_a = min(output, N_SLICE_ROWS - 1u) * ROW_STRIDE_WORDS;
  let row_b = min(output + 1u, N_SLICE_ROWS - 1u) * ROW_STRIDE_WORDS;

  let n_groups = (N_IN + 31u) / 32u;
  for (var group = lid % TEAM; group < n_groups; group += TEAM) {
    var a = dequantize(row_a, group);
    var b = dequantize(row_b, group);
    if (N_IN % 32u != 0u) {
      a = cut_tail(a, group, N_IN);
      b = cut_tail(b, group, N_IN);
    }
    for (var t = 0u; t < n_tile; t++) {
      var products_a = vec4f();
      var products_b = vec4f();
      for (var i = 0u; i < 8u; i++) {
        let quad = load_quad(first_row + t, 8u * group + i);
        products_a += a[i] * quad;
        products_b += b[i] * quad;
      }
      // Every invocation has cells of its own. As registers they would need the loop over t written out eight times.
      partial[2u * t * WORKGROUP_SIZE + lid] += (products_a.x + products_a.y) + (products_a.z + products_a.w);
      partial[(2u * t + 1u) * WORKGROUP_SIZE + lid] += (products_b.x + products_b.y) + (products_b.z + products_b.w);
    }
  }
  workgroupBarrier();

  // 8 outputs of 8 rows: one value an invocation.
  let tile_output = lid % OUTPUT_TILE;
  let tile_row = lid / OUTPUT_TILE;
  if (tile_row >= n_tile || first_output + tile_output >= N_SLICE_ROWS) {
    return;
  }
  let team = (2u * tile_row + tile_output % 2u) * WORKGROUP_SIZE + tile_output / 2u * TEAM;
  var sum = 0.0;
  for (var i = 0u; i < TEAM; i++) {
    sum += partial[team + i];
  }
  y[(first_row + tile_row) * N_OUT + FIRST_ROW + first_output + tile_output] = sum;
}

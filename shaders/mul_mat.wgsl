// mul_mat_<type> — y = W · x for every row of x, W in the file's own format, whichever of the weight types that is.
// src/engine/kernels/weight-kernels.ts makes a kernel of this for each: it adds lib/dequantize_<type>.wgsl and how rows
// of x are loaded, and puts the type's name for TYPE.
//
//   y[r, FIRST_ROW + o] = Σ_i W[o, i] · x[r, i]        o < N_SLICE_ROWS
//
// Shapes    x: [n, N_IN] f32; y: [n, N_OUT] f32; weight: a slice of N_SLICE_ROWS rows of W, one every
//           ROW_STRIDE_WORDS words; n = step.n_rows, or step.n_outputs with ROWS_FROM = 1
// Dispatch  a workgroup makes 16 outputs of 4 rows of x: x and y of the grid run over tiles of outputs, z over tiles
//           of rows. 8 teams of 8 invocations, a team two outputs; an invocation unpacks 8 weights of each at a time and
//           multiplies them with the same 8 values of up to 4 rows: weights are read once for 4 rows, x once for 2
//           outputs. Larger tiles leave a GPU with too few workgroups, and rows beside each other with too few registers
// Numerics  f32. The order of every sum is fixed by N_IN alone: a row has the same bits alone and among others
// Reference test/reference/mul_mat.ts

const WORKGROUP_SIZE = 64u;
const TEAM = 8u; // invocations that share two outputs
const TEAMS = 8u; // WORKGROUP_SIZE / TEAM
const OUTPUT_TILE = 16u; // 2 * TEAMS
const ROW_TILE = 4u;

struct Shape {
  N_IN: u32,
  N_SLICE_ROWS: u32,
  FIRST_ROW: u32,
  N_OUT: u32,
  ROW_STRIDE_WORDS: u32,
  ROWS_FROM: u32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> x: array<Activation>;
@group(0) @binding(2) var<storage, read> weight: array<WeightWord>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

// Sums of every invocation, the rows beside each other: [OUTPUT_TILE][TEAM].
var<workgroup> partial: array<vec4f, OUTPUT_TILE * TEAM>;

#include "lib/linear.wgsl"

// 8 weights of each of two outputs, times the same 8 values of row r.
fn products(a: array<vec4f, 2>, b: array<vec4f, 2>, r: u32, chunk: u32) -> vec2f {
  let first = load_quad(r, 2u * chunk);
  let second = load_quad(r, 2u * chunk + 1u);
  return vec2f(dot(a[0], first) + dot(a[1], second), dot(b[0], first) + dot(b[1], second));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_TYPE(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let n = select(step.n_rows, step.n_outputs, shape.ROWS_FROM == 1u);
  let first_row = ROW_TILE * wid.z;
  let first_output = OUTPUT_TILE * linear_workgroup(wid, grid);
  if (first_output >= shape.N_SLICE_ROWS || first_row >= n) {
    return;
  }
  let n_tile = min(ROW_TILE, n - first_row);

  // Behind the last output a team repeats it, and nobody looks at the result.
  let output = first_output + lid / TEAM;
  let row_a = min(output, shape.N_SLICE_ROWS - 1u) * shape.ROW_STRIDE_WORDS;
  let row_b = min(output + TEAMS, shape.N_SLICE_ROWS - 1u) * shape.ROW_STRIDE_WORDS;
  // Written out, for what a loop would index is no register.
  var sums_0 = vec2f();
  var sums_1 = vec2f();
  var sums_2 = vec2f();
  var sums_3 = vec2f();
  for (var chunk = lid % TEAM; 8u * chunk < shape.N_IN; chunk += TEAM) {
    let a = cut_tail(dequantize(row_a, chunk), chunk);
    let b = cut_tail(dequantize(row_b, chunk), chunk);
    sums_0 += products(a, b, first_row, chunk);
    if (n_tile > 1u) {
      sums_1 += products(a, b, first_row + 1u, chunk);
    }
    if (n_tile > 2u) {
      sums_2 += products(a, b, first_row + 2u, chunk);
    }
    if (n_tile > 3u) {
      sums_3 += products(a, b, first_row + 3u, chunk);
    }
  }
  partial[lid] = vec4f(sums_0.x, sums_1.x, sums_2.x, sums_3.x);
  partial[lid + TEAMS * TEAM] = vec4f(sums_0.y, sums_1.y, sums_2.y, sums_3.y);
  workgroupBarrier();

  if (lid >= OUTPUT_TILE || first_output + lid >= shape.N_SLICE_ROWS) {
    return;
  }
  var sums = vec4f();
  for (var i = 0u; i < TEAM; i++) {
    sums += partial[TEAM * lid + i];
  }
  let at = first_row * shape.N_OUT + shape.FIRST_ROW + first_output + lid;
  y[at] = sums.x;
  if (n_tile > 1u) {
    y[at + shape.N_OUT] = sums.y;
  }
  if (n_tile > 2u) {
    y[at + 2u * shape.N_OUT] = sums.z;
  }
  if (n_tile > 3u) {
    y[at + 3u * shape.N_OUT] = sums.w;
  }
}

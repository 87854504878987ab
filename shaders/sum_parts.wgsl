// sum_parts — adds the sums of the parts that a product was cut into.
//
//   y[i] (+)= Σ_p partial[PART_FIRST(i) + p · PART_STRIDE]
//   PART_FIRST(i) = (i / WIDTH) · ROW_STRIDE + i mod WIDTH
//
// Shapes    y: [n, WIDTH] f32, n being nRows of the grid; partial f32: of mul_mat_backward [n, PARTS, WIDTH] with a ROW_STRIDE of
//           PARTS · WIDTH and a PART_STRIDE of WIDTH, of mat_mul [PARTS, n, WIDTH]
// Dispatch  one invocation a value; those past N_ROWS do nothing, which is the step's where it is 0
// Numerics  f32, in the order of the parts, then to what y has where ACCUMULATE says so
// Reference test/reference/mul_mat.ts

override WORKGROUP_SIZE: u32 = 64u;

struct Shape {
  N_ROWS: u32, // 0: the step's
  WIDTH: u32,
  PARTS: u32,
  ROW_STRIDE: u32,
  PART_STRIDE: u32,
  ROWS: u32, // with N_ROWS 0: see lib/row_range.wgsl
  ACCUMULATE: u32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn sum_parts(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let i = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let row = i / shape.WIDTH;
  let n = select(shape.N_ROWS, row_range(shape.ROWS).y, shape.N_ROWS == 0u);
  if (row >= n) {
    return;
  }
  let first = row * shape.ROW_STRIDE + i % shape.WIDTH;
  var sum = partial[first];
  for (var part = 1u; part < shape.PARTS; part++) {
    sum += partial[first + part * shape.PART_STRIDE];
  }
  y[i] = select(0.0, y[i], shape.ACCUMULATE == 1u) + sum;
}

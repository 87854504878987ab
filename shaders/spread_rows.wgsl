// spread_rows — the gradient of a choice of rows: each row gets that of the output row it is, the others 0.
//
//   dx[r, i] = dy[output_of_row[r], i], or 0 where that is not below n_outputs
//
// Shapes    dy: [n_outputs, N] f32; dx: [n_rows, N] f32; output_of_row: [n_rows] u32
// Dispatch  one invocation a value; those past step.n_rows do nothing
// Numerics  a copy
// Reference test/gpu/spread_rows.test.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> output_of_row: array<u32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn spread_rows(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let at = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let r = at / N;
  if (r >= step.n_rows) {
    return;
  }
  let output = output_of_row[r];
  var value = 0.0;
  if (output < step.n_outputs) {
    value = dy[output * N + at % N];
  }
  dx[at] = value;
}

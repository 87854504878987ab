// copy_rows — gather the rows that go through the head.
//
//   y[o, i] = x[output_rows[o], i]
//
// Shapes    x: [n_rows, N] f32; y: [n_outputs, N] f32; output_rows: [n_outputs] u32
// Dispatch  one invocation a value; those past step.n_outputs do nothing
// Numerics  a copy
// Reference test/reference/copy_rows.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> output_rows: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn copy_rows(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let index = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let output = index / N;
  if (output >= step.n_outputs) {
    return;
  }
  y[index] = x[output_rows[output] * N + index % N];
}

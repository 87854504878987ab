// mean_rows — the mean of the rows of each text.
//
//   y[o, i] = Σ_r x[first + r, i] / count        first = output_rows[o], count = rows[o].last + 1
//
// Shapes    x: [n, N] f32; y: [n_rows, N] f32, one row a text; rows: that of each text's first token, whose position is 0
// Dispatch  one invocation a value of y; those past step.n_rows do nothing
// Numerics  f32, in order: a text has the same mean alone and among others
// Source    Reimers and Gurevych, "Sentence-BERT" (2019): mean pooling
// Reference test/reference/mean_rows.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> output_rows: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn mean_rows(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let index = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let text = index / N;
  if (text >= step.n_rows) {
    return;
  }
  let count = rows[text].last + 1u;
  let first = output_rows[text] * N + index % N;
  var sum = 0.0;
  for (var r = 0u; r < count; r++) {
    sum += x[first + r * N];
  }
  y[index] = sum / f32(count);
}

// norm_add_norm — the end of a branch and the beginning of the next: norm_add, then the norm of its sum.
//
//   sum[r, i]    = (h[r, i] + y[r, i] / sqrt(mean(y[r]²) + EPS) · weight[i]) · scale[0]
//   normed[r, i] = sum[r, i] / sqrt(mean(sum[r]²) + EPS) · next_weight[i]
//
// Shapes    y, h, sum, normed: [n_rows, N] f32; weight, next_weight: [N] f32; scale: [1] f32
// Dispatch  one workgroup for each row that ROWS names
// Numerics  as rms_norm and add_scaled, with partial sums of 256 invocations, joined as the device can
// Reference test/reference/rms_norm.ts and add_scaled.ts

const WORKGROUP_SIZE = 256u;

override N: u32; // a multiple of 4
override EPS: f32;
override ROWS: u32 = 0u; // see lib/row_range.wgsl

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> y: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read> next_weight: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> sum: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> normed: array<vec4f>;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn norm_add_norm(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  at: Invocation,
) {
  let lid = begin(at);
  let quads = N / 4u;
  let range = row_range(ROWS);
  let row = range.x + linear_workgroup(wid, grid);
  if (row >= range.y) {
    return;
  }
  let first = row * quads;
  // The first quad of each invocation is read before the sums: one wait instead of three.
  let place = min(lid, quads - 1u);
  let first_y = y[first + place];
  let first_h = h[first + place];
  let first_weight = weight[place];
  let first_next = next_weight[place];
  let factor_all = scale[0];
  let used = lid < quads;
  var squares = select(0.0, dot(first_y, first_y), used);
  for (var i = lid + WORKGROUP_SIZE; i < quads; i += WORKGROUP_SIZE) {
    squares += dot(y[first + i], y[first + i]);
  }
  let factor = 1.0 / sqrt(workgroup_sum(squares, lid) / f32(N) + EPS);
  let first_sum = (first_h + first_y * factor * first_weight) * factor_all;
  squares = select(0.0, dot(first_sum, first_sum), used);
  if (used) {
    sum[first + lid] = first_sum;
  }
  for (var i = lid + WORKGROUP_SIZE; i < quads; i += WORKGROUP_SIZE) {
    let value = (h[first + i] + y[first + i] * factor * weight[i]) * factor_all;
    sum[first + i] = value;
    squares += dot(value, value);
  }
  let next_factor = 1.0 / sqrt(workgroup_sum(squares, lid) / f32(N) + EPS);
  if (used) {
    normed[first + lid] = first_sum * next_factor * first_next;
  }
  // Computed again: what was written may be far away, what was read is near.
  for (var i = lid + WORKGROUP_SIZE; i < quads; i += WORKGROUP_SIZE) {
    let value = (h[first + i] + y[first + i] * factor * weight[i]) * factor_all;
    normed[first + i] = value * next_factor * next_weight[i];
  }
}

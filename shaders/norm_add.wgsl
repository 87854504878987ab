// norm_add — the end of a branch: the stream plus the branch's normed output.
//
//   sum[v, i] = (h[v, i] + y[v, i] / sqrt(mean(y[v]²) + EPS) · weight[i]) · scale[0]
//
// Shapes    y, h, sum: [n_vectors, N] f32, a vector being a row or a part of a row; weight: [N] f32; scale: [1] f32
// Dispatch  one workgroup a vector; those beyond the end of sum do nothing
// Numerics  as rms_norm and add_scaled, with partial sums of 256 invocations, joined as the device can
// Reference test/reference/rms_norm.ts and add_scaled.ts

const WORKGROUP_SIZE = 256u;

override N: u32; // a multiple of 4
override EPS: f32;

@group(0) @binding(0) var<storage, read> y: array<vec4f>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> h: array<vec4f>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> sum: array<vec4f>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn norm_add(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  at: Invocation,
) {
  let lid = begin(at);
  let quads = N / 4u;
  let first = linear_workgroup(wid, grid) * quads;
  if (first + quads > arrayLength(&sum)) {
    return;
  }
  var squares = 0.0;
  for (var i = lid; i < quads; i += WORKGROUP_SIZE) {
    squares += dot(y[first + i], y[first + i]);
  }
  let factor = 1.0 / sqrt(workgroup_sum(squares, lid) / f32(N) + EPS);
  for (var i = lid; i < quads; i += WORKGROUP_SIZE) {
    sum[first + i] = (h[first + i] + y[first + i] * factor * weight[i]) * scale[0];
  }
}

// add_scaled_backward — from the gradient of add_scaled's result to that of one of its inputs. Also how gradients of a value
// with several readers are added up: with ACCUMULATE and a scale of 1.
//
//   dx[r, i] = scale[0] · Σ_v dy[r, v · X_N + i]          (with ACCUMULATE added to what dx is)
//
// Shapes    dy: [n_rows, N] f32; dx: [n_rows, X_N] f32, where 0 stands for N; scale: [1] f32
// Dispatch  one invocation a value of dx; those past its end do nothing
// Numerics  f32, v in order
// Reference test/reference/add_scaled_backward.ts

override WORKGROUP_SIZE: u32 = 64u;
override N: u32;
override X_N: u32 = 0u; // narrower than dy, N a multiple of it: the input was added to each of the vectors of a row
override ACCUMULATE: u32 = 0u;

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn add_scaled_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let at = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (at >= arrayLength(&dx)) {
    return;
  }
  let width = select(X_N, N, X_N == 0u);
  let first = (at / width) * N + at % width;
  var sum = dy[first];
  for (var i = width; i < N; i += width) {
    sum += dy[first + i];
  }
  sum *= scale[0];
  if (ACCUMULATE != 0u) {
    sum += dx[at];
  }
  dx[at] = sum;
}

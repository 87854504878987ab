// rope_backward — from the gradient of rope's result to that of its input: the rotation by the negative angle.
//
//   φ = position · θ_i
//   dx[i]      = dy[i] · cos φ + dy[i + half] · sin φ
//   dx[i+half] = dy[i + half] · cos φ − dy[i] · sin φ          i = 0 … half − 1, half = HEAD_DIM / 2
//
// Shapes    dx, dy: [n_rows, N_HEAD, HEAD_DIM] f32; frequencies: (cos, sin) pairs [256 + n_high, half], as rope's
// Dispatch  one invocation a pair; those past the end of dx do nothing
// Numerics  as rope
// Source    as rope
// Reference test/reference/rope_backward.ts

const LOW = 256u; // as rope's

override WORKGROUP_SIZE: u32 = 64u;
override N_HEAD: u32;
override HEAD_DIM: u32;

#include "lib/step.wgsl"

@group(0) @binding(0) var<storage, read> rows: array<Row>;
@group(0) @binding(1) var<storage, read> frequencies: array<vec2f>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn rope_backward(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let half = HEAD_DIM / 2u;
  let pair = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let head = pair / half; // of all rows
  let i = pair % half;
  let first = head * HEAD_DIM + i;
  if (first + half >= arrayLength(&dx)) {
    return;
  }
  let position = rows[head / N_HEAD].position;
  let low = frequencies[(position % LOW) * half + i];
  let high = frequencies[(LOW + position / LOW) * half + i];
  let cosine = high.x * low.x - high.y * low.y;
  let sine = high.y * low.x + high.x * low.y;
  let a = dy[first];
  let b = dy[first + half];
  dx[first] = a * cosine + b * sine;
  dx[first + half] = b * cosine - a * sine;
}

// rope — rotate pairs of a head by the position ("NeoX": value i turns with value i + HEAD_DIM/2).
//
//   φ = position · θ_i
//   y[i]     = x[i] · cos φ − x[i + half] · sin φ
//   y[i+half] = x[i] · sin φ + x[i + half] · cos φ          i = 0 … half − 1, half = HEAD_DIM / 2
//
// Shapes    x, y: [n_rows, N_HEAD, HEAD_DIM] f32; frequencies: (cos, sin) pairs [256 + n_high, half]
// Dispatch  one invocation a pair; those past the end of y do nothing
// Numerics  sin and cos of a large product lose precision in f32. Positions are split into high · 256 + low; the
//           table holds cos and sin of low·θ_i (256 rows) and then of high·256·θ_i, both rounded once from f64, and
//           the angle-addition formulas join them: off by about 1e-7 at any position.
// Source    Su et al., "RoFormer" (2021); pairs as in GPT-NeoX (llama.cpp: LLAMA_ROPE_TYPE_NEOX)
// Reference test/reference/rope.ts

const LOW = 256u; // rows of the table for low

override WORKGROUP_SIZE: u32 = 64u;
override N_HEAD: u32;
override HEAD_DIM: u32;

#include "lib/step.wgsl"

@group(0) @binding(0) var<storage, read> rows: array<Row>;
@group(0) @binding(1) var<storage, read> frequencies: array<vec2f>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

#include "lib/linear.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn rope(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let half = HEAD_DIM / 2u;
  let pair = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let head = pair / half; // of all rows
  let i = pair % half;
  let first = head * HEAD_DIM + i;
  if (first + half >= arrayLength(&y)) {
    return;
  }
  let position = rows[head / N_HEAD].position;
  let low = frequencies[(position % LOW) * half + i];
  let high = frequencies[(LOW + position / LOW) * half + i];
  let cosine = high.x * low.x - high.y * low.y;
  let sine = high.y * low.x + high.x * low.y;
  let a = x[first];
  let b = x[first + half];
  y[first] = a * cosine - b * sine;
  y[first + half] = a * sine + b * cosine;
}

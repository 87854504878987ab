// lora — low-rank terms in one dispatch, for few rows: adds s · B · (A · x) to the product of the frozen matrix, for each
// adapter that the row uses. Each workgroup computes A · x for itself: cheaper than a second dispatch that waits.
//
//   y[r, first_output + o] += Σ_uses scale · term.scale · Σ_k B_term[o, k] · Σ_i A_term[k, i] · x[r, i]
//
// Shapes    x: [n, N_IN] f32, N_IN a multiple of 4; y: [n, N_OUT] f32, the outputs of one matrix or of several beside each
//           other; factors: the A and B of all terms of these matrices, each from a multiple of 4 on; mixes, terms:
//           lib/low_rank.wgsl; ROWS says which rows (lib/row_range.wgsl)
// Dispatch  one invocation a value of y: x and y of the grid run over outputs, z over rows
// Numerics  f32, sums in a fixed order, terms in the order of the request's adapters: a row has the same bits alone and
//           among others
// Source    as lora_a.wgsl
// Reference test/reference/low_rank.ts

const WORKGROUP_SIZE = 256u;

struct Shape {
  N_IN: u32,
  N_OUT: u32,
  N_TERMS: u32,
  ROWS: u32,
}

#include "lib/step.wgsl"
#include "lib/low_rank.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> mixes: array<Mix>;
@group(0) @binding(3) var<storage, read> terms: array<Term>;
@group(0) @binding(4) var<storage, read> factors: array<vec4f>;
@group(0) @binding(5) var<storage, read> x: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/low_rank_sum.wgsl"
#include "lib/row_range.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn lora(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let range = row_range(shape.ROWS);
  let r = range.x + wid.z;
  let first = linear_workgroup(wid, grid) * WORKGROUP_SIZE;
  if (r >= range.y || first >= shape.N_OUT) {
    return;
  }
  let mix = rows[r].adapters;
  if (mix == 0u) {
    return;
  }
  let added = low_rank_sum(mix, r, first, lid);
  let o = first + lid;
  if (o < shape.N_OUT) {
    y[r * shape.N_OUT + o] += added;
  }
}

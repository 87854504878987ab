// lora_geglu — geglu of gates and ups beside each other, with their low-rank terms in the same dispatch: as lora and geglu do.
//
//   y[r, i] = gelu(g) · u, g = gate_up[r, i] + terms, u = gate_up[r, N + i] + terms
//
// Shapes    x: [n, N_IN] f32, N_IN a multiple of 4; gate_up: [n, 2 · N] f32; y: [n, N] f32; factors, mixes, terms: as in lora;
//           without terms (N_TERMS = 0) they are not read; ROWS says which rows (lib/row_range.wgsl)
// Dispatch  one invocation a value of y: x and y of the grid run over them, z over rows
// Numerics  as lora and geglu
// Source    as lora_a.wgsl and geglu.wgsl
// Reference test/reference/low_rank.ts, test/reference/geglu.ts

const WORKGROUP_SIZE = 256u;

struct Shape {
  N_IN: u32,
  N: u32,
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
@group(0) @binding(6) var<storage, read> gate_up: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;
@group(0) @binding(8) var<uniform> shape: Shape;

#include "lib/gelu.wgsl"
#include "lib/linear.wgsl"
#include "lib/low_rank_sum.wgsl"
#include "lib/row_range.wgsl"
#include "lib/tanh.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn lora_geglu(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let range = row_range(shape.ROWS);
  let r = range.x + wid.z;
  let first = linear_workgroup(wid, grid) * WORKGROUP_SIZE;
  if (r >= range.y || first >= shape.N) {
    return;
  }
  let mix = rows[r].adapters;
  var gate = 0.0;
  var up = 0.0;
  if (mix != 0u && shape.N_TERMS != 0u) {
    gate = low_rank_sum(mix, r, first, lid);
    up = low_rank_sum(mix, r, shape.N + first, lid);
  }
  let i = first + lid;
  if (i < shape.N) {
    let at = 2u * r * shape.N + i;
    y[r * shape.N + i] = gelu(gate_up[at] + gate) * (gate_up[at + shape.N] + up);
  }
}

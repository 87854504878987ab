// mul_mat_f16 — a linear layer with F16 weights. What it computes and how: lib/mul_mat.wgsl.
//
// Weights   one row of N_IN values every ROW_STRIDE_WORDS words; layout: lib/dequantize_f16.wgsl
// Reference src/engine/reference/mul_mat.ts

#include "lib/mul_mat.wgsl"

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<u32>;

#include "lib/dequantize_f16.wgsl"
#include "lib/load_values.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn mul_mat_f16(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  mul_mat(wid, grid, lid);
}

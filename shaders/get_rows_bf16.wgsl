// get_rows_bf16 — look tokens up in a BF16 embedding table. What it computes and how: lib/get_rows.wgsl.
//
// Weights   one row of N values every ROW_STRIDE_WORDS words; layout: lib/dequantize_bf16.wgsl
// Reference src/engine/reference/get_rows.ts

#include "lib/get_rows.wgsl"

@group(0) @binding(2) var<storage, read> weight: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

#include "lib/dequantize_bf16.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn get_rows_bf16(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  get_rows(wid, grid, lid);
}

// kv_write — put this step's keys (or values) where attention will look for them.
//
//   cache[slot(row r), i] = src[r, i]        slot = the page of the row's position · PAGE_SIZE + its place in the page
//
// Shapes    src: [n_rows, WIDTH] f32, WIDTH = n_head_kv · head_dim; cache: [n_pages · PAGE_SIZE, WIDTH] f32
// Dispatch  one invocation a value; those past step.n_rows do nothing
// Numerics  a copy
// Source    Kwon et al., "Efficient memory management for large language model serving with PagedAttention" (2023)
// Reference test/reference/kv_write.ts

override WORKGROUP_SIZE: u32 = 64u;
override WIDTH: u32;
override PAGE_SIZE: u32 = 32u; // a power of two

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> page_tables: array<u32>;
@group(0) @binding(3) var<storage, read> src: array<f32>;
@group(0) @binding(4) var<storage, read_write> cache: array<f32>;

#include "lib/linear.wgsl"
#include "lib/paging.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn kv_write(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let index = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  let r = index / WIDTH;
  if (r >= step.n_rows) {
    return;
  }
  cache[cache_slot(rows[r].page_table, rows[r].position) * WIDTH + index % WIDTH] = src[index];
}

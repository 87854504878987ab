// lora_a — the inner half of low-rank terms: A · x for each row and each adapter that the row uses.
//
//   t[r, term.column + k] = Σ_i A_term[k, i] · x[r, i]        for each term whose adapter row r uses; the rest of t stays
//
// Shapes    x: [n, N_IN] f32; t: [n, N_COLUMNS] f32, the ranks of all terms beside each other; factors: the A and B of all
//           terms that read x, each from a multiple of 4 on; mixes, terms: lib/low_rank.wgsl
//           ROWS says which rows (lib/row_range.wgsl)
// Dispatch  one workgroup a value of t: x and y of the grid run over columns, z over rows; those of adapters that the row does
//           not use do nothing
// Numerics  f32, WORKGROUP_SIZE partial sums and a tree: a row has the same bits alone and among others
// Source    Hu et al., "LoRA: low-rank adaptation of large language models" (2021); rows of several adapters in one batch:
//           Chen et al., "Punica: multi-tenant LoRA serving" (2023)
// Reference test/reference/low_rank.ts

override WORKGROUP_SIZE: u32 = 64u; // a power of two, for the tree sum

struct Shape {
  N_IN: u32,
  N_COLUMNS: u32,
  ROWS: u32,
}

#include "lib/step.wgsl"
#include "lib/low_rank.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> mixes: array<Mix>;
@group(0) @binding(3) var<storage, read> terms: array<Term>;
@group(0) @binding(4) var<storage, read> factors: array<vec4f>;
@group(0) @binding(5) var<storage, read> x: array<f32>;
@group(0) @binding(6) var<storage, read_write> t: array<f32>;
@group(0) @binding(7) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/row_range.wgsl"
#include "lib/workgroup_reduce.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn lora_a(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let range = row_range(shape.ROWS);
  let r = range.x + wid.z;
  let column = linear_workgroup(wid, grid);
  if (r >= range.y || column >= shape.N_COLUMNS) {
    return;
  }
  let mix = rows[r].adapters;
  // Terms are in the order of their columns.
  var i = 0u;
  var term = terms[0];
  while (column - term.column >= term.rank) {
    i++;
    term = terms[i];
  }
  if (mix == 0u || !uses_slot(mix, term.slot)) {
    return;
  }
  let first_a = term.a + (column - term.column) * shape.N_IN;
  let first_x = r * shape.N_IN;
  var sum = 0.0;
  if (shape.N_IN % 4u == 0u) {
    for (var j = 4u * lid; j < shape.N_IN; j += 4u * WORKGROUP_SIZE) {
      let at = first_x + j;
      sum += dot(factors[(first_a + j) / 4u], vec4f(x[at], x[at + 1u], x[at + 2u], x[at + 3u]));
    }
  } else {
    for (var j = lid; j < shape.N_IN; j += WORKGROUP_SIZE) {
      sum += factors[(first_a + j) / 4u][(first_a + j) % 4u] * x[first_x + j];
    }
  }
  let total = workgroup_sum(sum, lid);
  if (lid == 0u) {
    t[r * shape.N_COLUMNS + column] = total;
  }
}

// lora_b — the outer half of low-rank terms: adds s · B · t to the product of the frozen matrix, for each adapter that the
// row uses. Of an embedding table t is the row of the token in A.
//
//   y[r, first_output + o] += Σ_uses scale · term.scale · Σ_k B_term[o, k] · t[r, term.column + k]
//   GATHER: t[k] = A_term[token of r, k]
//
// Shapes    y: [n, N_OUT] f32, the outputs of one matrix or of several beside each other; t: [n, N_COLUMNS] f32 as lora_a
//           leaves it; factors: the A and B of all terms of these matrices, each
//           from a multiple of 4 on; ROWS says which rows (lib/row_range.wgsl); mixes, terms: lib/low_rank.wgsl
// Dispatch  one invocation a value of y: x and y of the grid run over outputs, z over rows
// Numerics  f32, terms in the order of the request's adapters: a row has the same bits alone and among others
// Source    as lora_a.wgsl
// Reference test/reference/low_rank.ts

override WORKGROUP_SIZE: u32 = 64u;
override GATHER: u32 = 0u;

struct Shape {
  N_OUT: u32,
  N_COLUMNS: u32,
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
@group(0) @binding(5) var<storage, read> t: array<f32>; // any buffer with GATHER
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(0) @binding(7) var<uniform> shape: Shape;

#include "lib/linear.wgsl"
#include "lib/low_rank_outer.wgsl"
#include "lib/row_range.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn lora_b(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(num_workgroups) grid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let range = row_range(shape.ROWS);
  let r = range.x + wid.z;
  let o = linear_workgroup(wid, grid) * WORKGROUP_SIZE + lid;
  if (r >= range.y || o >= shape.N_OUT) {
    return;
  }
  let mix = rows[r].adapters;
  let n_uses = mixes[mix].n_uses;
  if (n_uses == 0u) {
    return;
  }
  var added = 0.0;
  for (var u = 0u; u < n_uses; u++) {
    for (var i = 0u; i < shape.N_TERMS; i++) {
      // Outputs before the first wrap around, and are above n_out too.
      let output = o - terms[i].first_output;
      if (terms[i].slot == mixes[mix].uses[u].slot && output < terms[i].n_out) {
        added += mixes[mix].uses[u].scale * terms[i].scale * term_output(i, output, r);
      }
    }
  }
  y[r * shape.N_OUT + o] += added;
}

fn term_output(i: u32, output: u32, r: u32) -> f32 {
  let rank = terms[i].rank;
  let first_b = terms[i].b + output * rank;
  let first_a = terms[i].a + rows[r].token * rank;
  let first_t = r * shape.N_COLUMNS + terms[i].column;
  var sum = 0.0;
  for (var k = 0u; k < rank; k += 4u) {
    let b = outer_quad(first_b, k, rank);
    if (GATHER != 0u) {
      sum += dot(b, outer_quad(first_a, k, rank));
    } else {
      // Past the rank B is zero.
      let at = vec4u(first_t + k) + min(vec4u(0u, 1u, 2u, 3u), vec4u(rank - 1u - k));
      sum += dot(b, vec4f(t[at.x], t[at.y], t[at.z], t[at.w]));
    }
  }
  return sum;
}

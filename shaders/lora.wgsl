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
const COLUMNS = 16u; // values of A · x at a time
const LANES = 128u;  // invocations that share half of them
const JOINED = WORKGROUP_SIZE / COLUMNS;

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
#include "lib/low_rank_outer.wgsl"
#include "lib/row_range.wgsl"

var<workgroup> partial: array<f32, COLUMNS * LANES>;
var<workgroup> joined: array<f32, WORKGROUP_SIZE>;
var<workgroup> columns: array<f32, COLUMNS>;

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
  let n_uses = mixes[mix].n_uses;
  if (n_uses == 0u) {
    return;
  }
  let o = first + lid;
  var added = 0.0;
  for (var u = 0u; u < n_uses; u++) {
    let use_ = mixes[mix].uses[u];
    for (var i = 0u; i < shape.N_TERMS; i++) {
      if (terms[i].slot != use_.slot) {
        continue;
      }
      let term = terms[i];
      if (term.first_output >= first + WORKGROUP_SIZE || term.first_output + term.n_out <= first) {
        continue;
      }
      // Outputs before the first wrap around, and are above n_out too; they read some row of B in vain.
      let output = min(o - term.first_output, term.n_out - 1u);
      let first_b = term.b + output * term.rank;
      var sum = 0.0;
      for (var k = 0u; k < term.rank; k += COLUMNS) {
        // On their way while A · x is computed.
        let b_0 = outer_quad(first_b, k, term.rank);
        let b_1 = outer_quad(first_b, k + 4u, term.rank);
        let b_2 = outer_quad(first_b, k + 8u, term.rank);
        let b_3 = outer_quad(first_b, k + 12u, term.rank);
        inner(term.a / 4u, k, term.rank, r, lid);
        sum += dot(b_0, column_quad(0u)) + dot(b_1, column_quad(4u));
        sum += dot(b_2, column_quad(8u)) + dot(b_3, column_quad(12u));
      }
      if (o - term.first_output < term.n_out) {
        added += use_.scale * term.scale * sum;
      }
    }
  }
  if (o < shape.N_OUT) {
    y[r * shape.N_OUT + o] += added;
  }
}

fn column_quad(k: u32) -> vec4f {
  return vec4f(columns[k], columns[k + 1u], columns[k + 2u], columns[k + 3u]);
}

// columns = A[first … first + COLUMNS) · x[r], zero from rank on. Half of the invocations each for half of them: an
// invocation has eight loads under way at once.
fn inner(a: u32, first: u32, rank: u32, r: u32, lid: u32) {
  let n_quads = shape.N_IN / 4u;
  let first_x = r * n_quads;
  let lane = lid % LANES;
  let c = lid / LANES * 8u;
  let last = rank - 1u;
  let a_0 = a + min(first + c, last) * n_quads;
  let a_1 = a + min(first + c + 1u, last) * n_quads;
  let a_2 = a + min(first + c + 2u, last) * n_quads;
  let a_3 = a + min(first + c + 3u, last) * n_quads;
  let a_4 = a + min(first + c + 4u, last) * n_quads;
  let a_5 = a + min(first + c + 5u, last) * n_quads;
  let a_6 = a + min(first + c + 6u, last) * n_quads;
  let a_7 = a + min(first + c + 7u, last) * n_quads;
  var low = vec4f();
  var high = vec4f();
  if (first + c < rank) {
    for (var j = lane; j < n_quads; j += LANES) {
      let v = x[first_x + j];
      low += vec4f(
        dot(v, factors[a_0 + j]), dot(v, factors[a_1 + j]), dot(v, factors[a_2 + j]), dot(v, factors[a_3 + j]));
      high += vec4f(
        dot(v, factors[a_4 + j]), dot(v, factors[a_5 + j]), dot(v, factors[a_6 + j]), dot(v, factors[a_7 + j]));
    }
  }
  for (var i = 0u; i < 4u; i++) {
    partial[(c + i) * LANES + lane] = low[i];
    partial[(c + 4u + i) * LANES + lane] = high[i];
  }
  workgroupBarrier();
  let first_partial = lid / JOINED * LANES + lid % JOINED;
  var sum = 0.0;
  for (var i = 0u; i < LANES; i += JOINED) {
    sum += partial[first_partial + i];
  }
  joined[lid] = sum;
  workgroupBarrier();
  if (lid < COLUMNS) {
    sum = 0.0;
    for (var i = 0u; i < JOINED; i++) {
      sum += joined[lid * JOINED + i];
    }
    columns[lid] = select(0.0, sum, first + lid < rank);
  }
  workgroupBarrier();
}

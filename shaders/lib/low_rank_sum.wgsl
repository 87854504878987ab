// All low-rank terms of a row for as many outputs as a workgroup has invocations, each of which gets one. Needs WORKGROUP_SIZE
// (256), shape.N_IN (a multiple of 4) and shape.N_TERMS, and `mixes`, `terms`, `factors` and `x`, the last two as vectors.
const COLUMNS = 16u; // values of A · x at a time
const LANES = 128u;  // invocations that share half of them
const JOINED = WORKGROUP_SIZE / COLUMNS;

#include "lib/low_rank_outer.wgsl"

var<workgroup> partial: array<f32, COLUMNS * LANES>;
var<workgroup> joined: array<f32, WORKGROUP_SIZE>;
var<workgroup> columns: array<f32, COLUMNS>;

// What is added to output first + lid of row r. Every invocation must call.
fn low_rank_sum(mix: u32, r: u32, first: u32, lid: u32) -> f32 {
  let o = first + lid;
  // What is read next is on its way early: a dispatch is short, and each wait for memory is felt.
  let n_uses = mixes[mix].n_uses;
  var next_use = mixes[mix].uses[0];
  var next = terms[0];
  var added = 0.0;
  for (var u = 0u; u < n_uses; u++) {
    let used = next_use;
    next_use = mixes[mix].uses[min(u + 1u, MAX_USES - 1u)];
    for (var i = 0u; i < shape.N_TERMS; i++) {
      let term = next;
      next = terms[(i + 1u) % shape.N_TERMS];
      let elsewhere = term.first_output >= first + WORKGROUP_SIZE || term.first_output + term.n_out <= first;
      if (term.slot != used.slot || elsewhere) {
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
        added += used.scale * term.scale * sum;
      }
    }
  }
  return added;
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

// attention_merge — makes one of the splits of a row that attention_split left. Rows with a single split are complete.
//
//   y = Σ_s e^(m_s − m) · vector_s / Σ_s e^(m_s − m) · sum_s        m = max_s m_s
//
// Shapes    partial: [rows of the grid, N_HEAD, MAX_SPLITS, 4 + HEAD_DIM] f32: maximum, sum, 0, 0, vector; y: [n_rows, N_HEAD, HEAD_DIM]
// Dispatch  x over pieces of 64 values of a head, y over N_HEAD, z over rows: those that ROWS names, from FIRST on
// Numerics  f32, the order of the sums fixed by the number of splits; exponents are ≥ −80
// Reference test/reference/attention.ts

const WORKGROUP_SIZE = 256u;
const PIECE = 16u; // quads
const LANES = 16u; // invocations that share the splits of a quad
const NO_SCORE = -3.0e38;

struct Shape {
  N_HEAD: u32,
  WINDOW: u32,
  HEAD_DIM: u32,
  MAX_SPLITS: u32,
  ROWS: u32, // see lib/row_range.wgsl
  FIRST: u32, // of these, the first that this dispatch takes
  BATCH: u32, // how many it takes at most: z of the grid
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read> partial: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> shape: Shape;

var<workgroup> vectors: array<vec4f, WORKGROUP_SIZE>;
var<workgroup> totals: array<vec2f, LANES>; // maximum and sum

#include "lib/attention_splits.wgsl"
#include "lib/row_range.wgsl"

@compute @workgroup_size(WORKGROUP_SIZE)
fn attention_merge(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let range = row_range(shape.ROWS);
  let r = range.x + shape.FIRST + wid.z;
  if (r >= range.y) {
    return;
  }
  let splits = splits_of(rows[r].position, shape.WINDOW);
  if (splits.count == 1u) {
    return;
  }
  let quads = shape.HEAD_DIM / 4u;
  let quad = wid.x * PIECE + lid % PIECE;
  let lane = lid / PIECE;
  let head = wid.z * shape.N_HEAD + wid.y; // in partial
  var largest = NO_SCORE;
  var total = 0.0;
  var vector = vec4f();
  for (var s = lane; s < splits.count; s += LANES) {
    let at = (head * shape.MAX_SPLITS + s) * (quads + 1u);
    let part = partial[at];
    let grown = max(largest, part.x);
    let fade = exp(max(largest - grown, -80.0));
    let share = exp(max(part.x - grown, -80.0));
    total = total * fade + part.y * share;
    vector = vector * fade + partial[at + 1u + min(quad, quads - 1u)] * share;
    largest = grown;
  }
  vectors[lid] = vector;
  if (lid % PIECE == 0u) {
    totals[lane] = vec2f(largest, total);
  }
  workgroupBarrier();
  if (lid >= PIECE || quad >= quads) {
    return;
  }
  for (var i = 0u; i < LANES; i++) {
    largest = max(largest, totals[i].x);
  }
  var sum = vec4f();
  total = 0.0;
  // A lane without splits has sum 0.
  for (var i = 0u; i < LANES; i++) {
    let share = exp(max(totals[i].x - largest, -80.0));
    total += totals[i].y * share;
    sum += vectors[i * PIECE + lid] * share;
  }
  y[(r * shape.N_HEAD + wid.y) * quads + quad] = sum / total;
}

// mat_mul — a product of two matrices of f32, either of which may be transposed: low-rank terms in training, forward and
// backward.
//
//   c[p, m, n] (+)= SCALE · Σ_k a[m · A_M + k · A_K] · b[k · B_K + n · B_N]        k in part p of PARTS
//
// Shapes    c: [PARTS, M, N] f32. Which of M and K is the number of a step's rows, ROWS says: 0 neither, 1 M, 2 K. A part has
//           PART_LENGTH values of K, a multiple of DEPTH, the last one fewer; sum_parts.wgsl adds several. ACCUMULATE: to what
//           c has
// Dispatch  a workgroup makes M_TILE × N_TILE values of c: x of the grid runs over tiles of M, y over tiles of N, z over parts;
//           those past the last row do nothing. For DEPTH values of K at a time it brings its part of a and b into workgroup
//           memory; then an invocation multiplies 4 × 4 values out of registers
// Limits    DEPTH · (M_TILE + N_TILE) · 4 bytes of workgroup memory; WORKGROUP_SIZE = M_TILE · N_TILE / 16
// Numerics  f32. A sum runs over its part of K in order, whatever the tile sizes
// Reference test/reference/mat_mul.ts

override WORKGROUP_SIZE: u32 = 64u;
override M_TILE: u32 = 64u;
override N_TILE: u32 = 16u;
override DEPTH: u32 = 32u;

struct Shape {
  M: u32,
  N: u32,
  K: u32,
  A_M: u32,
  A_K: u32,
  B_K: u32,
  B_N: u32,
  ROWS: u32,
  PARTS: u32,
  PART_LENGTH: u32,
  ACCUMULATE: u32,
  SCALE: f32,
}

#include "lib/step.wgsl"

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

// Single values: two invocations must not write parts of one vector.
var<workgroup> a_tile: array<f32, DEPTH * M_TILE>; // [DEPTH][M_TILE]
var<workgroup> b_tile: array<f32, DEPTH * N_TILE>; // [DEPTH][N_TILE]

@compute @workgroup_size(WORKGROUP_SIZE)
fn mat_mul(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let m_end = select(shape.M, step.n_rows, shape.ROWS == 1u);
  let k_end = select(shape.K, step.n_rows, shape.ROWS == 2u);
  let first_m = wid.x * M_TILE;
  let first_n = wid.y * N_TILE;
  if (first_m >= m_end) {
    return;
  }
  let column = lid % (N_TILE / 4u);
  let quad = lid / (N_TILE / 4u);
  var sums = mat4x4f(); // column i: row i of four
  let part_end = min((wid.z + 1u) * shape.PART_LENGTH, k_end);
  for (var first_k = wid.z * shape.PART_LENGTH; first_k < part_end; first_k += DEPTH) {
    // Neighbouring invocations read neighbouring values, whichever index these follow.
    for (var i = lid; i < M_TILE * DEPTH; i += WORKGROUP_SIZE) {
      let along = shape.A_K == 1u;
      let m = select(i % M_TILE, i / DEPTH, along);
      let k = select(i / M_TILE, i % DEPTH, along);
      var value = 0.0;
      if (first_m + m < m_end && first_k + k < part_end) {
        value = a[(first_m + m) * shape.A_M + (first_k + k) * shape.A_K];
      }
      a_tile[k * M_TILE + m] = value;
    }
    for (var i = lid; i < N_TILE * DEPTH; i += WORKGROUP_SIZE) {
      let along = shape.B_K == 1u;
      let n = select(i % N_TILE, i / DEPTH, along);
      let k = select(i / N_TILE, i % DEPTH, along);
      var value = 0.0;
      if (first_n + n < shape.N && first_k + k < part_end) {
        value = b[(first_k + k) * shape.B_K + (first_n + n) * shape.B_N];
      }
      b_tile[k * N_TILE + n] = value;
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let at = k * M_TILE + 4u * quad;
      let start = k * N_TILE + 4u * column;
      let right = vec4f(b_tile[start], b_tile[start + 1u], b_tile[start + 2u], b_tile[start + 3u]);
      sums = mat4x4f(
        fma(vec4f(a_tile[at]), right, sums[0]),
        fma(vec4f(a_tile[at + 1u]), right, sums[1]),
        fma(vec4f(a_tile[at + 2u]), right, sums[2]),
        fma(vec4f(a_tile[at + 3u]), right, sums[3]),
      );
    }
    workgroupBarrier();
  }

  for (var i = 0u; i < 4u; i++) {
    let m = first_m + 4u * quad + i;
    if (m >= m_end) {
      return;
    }
    for (var j = 0u; j < 4u; j++) {
      let n = first_n + 4u * column + j;
      if (n < shape.N) {
        let at = (wid.z * shape.M + m) * shape.N + n;
        let before = select(0.0, c[at], shape.ACCUMULATE == 1u);
        c[at] = fma(shape.SCALE, sums[i][j], before);
      }
    }
  }
}

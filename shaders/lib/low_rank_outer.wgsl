// Four values of a row of B, from `at` on; zero from rank on. Needs `factors` as vectors.
fn outer_quad(first_b: u32, at: u32, rank: u32) -> vec4f {
  if (at >= rank) {
    return vec4f();
  }
  let i = first_b + at;
  if (rank % 4u == 0u) {
    return factors[i / 4u];
  }
  var values = vec4f();
  for (var c = 0u; c < min(4u, rank - at); c++) {
    values[c] = factors[(i + c) / 4u][(i + c) % 4u];
  }
  return values;
}

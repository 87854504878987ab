// Four activations of a row. N_IN is a multiple of 4: rows are whole vec4. Zero past the end of a row that is no multiple
// of 8: weights there are zero, but zero times anything is not always zero.
alias Activation = vec4f;

fn load_quad(r: u32, quad: u32) -> vec4f {
  let value = x[r * (shape.N_IN / 4u) + quad];
  if (PADDED_TILES) {
    return select(vec4f(), value, 4u * quad < shape.N_IN);
  }
  return value;
}

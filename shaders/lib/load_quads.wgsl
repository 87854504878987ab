// Four activations of a row. N_IN is a multiple of 32 (whole blocks): rows are whole vec4, and no chunk has a tail.
alias Activation = vec4f;

fn load_quad(r: u32, quad: u32) -> vec4f {
  return x[r * (shape.N_IN / 4u) + quad];
}

fn cut_tail(values: array<vec4f, 2>, chunk: u32) -> array<vec4f, 2> {
  return values;
}

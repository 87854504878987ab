// Four activations of a row. N_IN is a multiple of 32 (whole blocks), so rows are whole vec4.
alias Activation = vec4f;

fn load_quad(r: u32, quad: u32) -> vec4f {
  return x[r * (N_IN / 4u) + quad];
}

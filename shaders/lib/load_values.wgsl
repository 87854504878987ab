// Four activations of a row of any length; zero behind its end.
alias Activation = f32;

fn load_quad(r: u32, quad: u32) -> vec4f {
  let i = 4u * quad;
  let first = r * N_IN + i;
  if (N_IN % 4u == 0u) {
    return select(vec4f(), vec4f(x[first], x[first + 1u], x[first + 2u], x[first + 3u]), i < N_IN);
  }
  return vec4f(load_value(r, i), load_value(r, i + 1u), load_value(r, i + 2u), load_value(r, i + 3u));
}

fn load_value(r: u32, i: u32) -> f32 {
  return select(0.0, x[r * N_IN + i], i < N_IN);
}

// Four activations of a row of any length; zero past its end.
alias Activation = f32;

fn load_quad(r: u32, quad: u32) -> vec4f {
  let i = 4u * quad;
  return vec4f(load_value(r, i), load_value(r, i + 1u), load_value(r, i + 2u), load_value(r, i + 3u));
}

fn load_value(r: u32, i: u32) -> f32 {
  return select(0.0, x[r * shape.N_IN + i], i < shape.N_IN);
}

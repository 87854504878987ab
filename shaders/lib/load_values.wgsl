// Four activations of a row of any length; zero behind its end.
alias Activation = f32;

fn load_quad(r: u32, quad: u32) -> vec4f {
  let i = 4u * quad;
  let first = r * shape.N_IN + i;
  if (shape.N_IN % 4u == 0u) {
    return select(vec4f(), vec4f(x[first], x[first + 1u], x[first + 2u], x[first + 3u]), i < shape.N_IN);
  }
  return vec4f(load_value(r, i), load_value(r, i + 1u), load_value(r, i + 2u), load_value(r, i + 3u));
}

fn load_value(r: u32, i: u32) -> f32 {
  return select(0.0, x[r * shape.N_IN + i], i < shape.N_IN);
}

// Zeroes what lies behind the end of a row of weights in a chunk of 8: the bytes there may be anything, and zero times
// anything is not always zero.
fn cut_tail(values: array<vec4f, 2>, chunk: u32) -> array<vec4f, 2> {
  let place = vec4u(8u * chunk) + vec4u(0u, 1u, 2u, 3u);
  return array(
    select(vec4f(), values[0], place < vec4u(shape.N_IN)),
    select(vec4f(), values[1], place + 4u < vec4u(shape.N_IN)),
  );
}

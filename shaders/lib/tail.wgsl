// Zeroes what lies behind the end of a row of n values in a chunk of 8: the bytes there may be anything, and zero
// times anything is not always zero.
fn cut_tail(values: array<vec4f, 2>, chunk: u32, n: u32) -> array<vec4f, 2> {
  let place = vec4u(8u * chunk) + vec4u(0u, 1u, 2u, 3u);
  return array(
    select(vec4f(), values[0], place < vec4u(n)),
    select(vec4f(), values[1], place + 4u < vec4u(n)),
  );
}

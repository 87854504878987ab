// Zeroes what lies behind the end of a row of n values in its group of 32: the bytes there may be anything, and zero
// times anything is not always zero.
fn cut_tail(values: array<vec4f, 8>, group: u32, n: u32) -> array<vec4f, 8> {
  let first = vec4u(32u * group) + vec4u(0u, 1u, 2u, 3u);
  let end = vec4u(n);
  return array(
    select(vec4f(), values[0], first < end),
    select(vec4f(), values[1], first + 4u < end),
    select(vec4f(), values[2], first + 8u < end),
    select(vec4f(), values[3], first + 12u < end),
    select(vec4f(), values[4], first + 16u < end),
    select(vec4f(), values[5], first + 20u < end),
    select(vec4f(), values[6], first + 24u < end),
    select(vec4f(), values[7], first + 28u < end),
  );
}

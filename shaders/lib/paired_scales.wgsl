// Q4_K and Q5_K begin with d f16, dmin f16 and eight pairs of scale and minimum, 6 bits each, in 12 bytes. Returns pair j
// times d and dmin. Needs f16.wgsl.
fn paired_scales(header: vec4u, j: u32) -> vec2f {
  // Scale and minimum j < 4 are the low six bits of bytes j and 4 + j; those of j ≥ 4 are the nibbles of byte 4 + j
  // with the upper two bits of bytes j − 4 and j.
  let shift = 8u * (j % 4u);
  let a = header.y >> shift;
  let b = header.z >> shift;
  let c = header.w >> shift;
  let scale = select((c & 15u) | ((a >> 2u) & 48u), a & 63u, j < 4u);
  let minimum = select(((c >> 4u) & 15u) | ((b >> 2u) & 48u), b & 63u, j < 4u);
  let d = f16_pair(header.x);
  return vec2f(d.x * f32(scale), d.y * f32(minimum));
}

// The header of a block of Q4_K or Q5_K at word `i` of four rows: d f16, dmin f16 and eight pairs of scale and minimum, 6
// bits each, in 12 bytes. Returns those of groups 2k and 2k + 1 times d and dmin: both scales, then both minimums.
fn k_scales(i: u32, k: u32) -> mat4x4f {
  let header = weight_word(i);
  // Scale and minimum j < 4 are the low six bits of bytes j and 4 + j; those of j ≥ 4 are the nibbles of byte 4 + j with
  // the upper two bits of bytes j − 4 and j. Two neighbours at a time, in two bytes.
  let shift = vec4u(16u * (k % 2u));
  let a = weight_word(i + 1u) >> shift;
  let b = weight_word(i + 2u) >> shift;
  let c = weight_word(i + 3u) >> shift;
  let upper = k >= 2u;
  let scales = select(a & vec4u(0x3f3fu), (c & vec4u(0x0f0fu)) | ((a >> vec4u(2u)) & vec4u(0x3030u)), upper);
  let minimums = select(b & vec4u(0x3f3fu), ((c >> vec4u(4u)) & vec4u(0x0f0fu)) | ((b >> vec4u(2u)) & vec4u(0x3030u)), upper);
  let d = halves_to_f32(header);
  let dmin = halves_to_f32(header >> vec4u(16u));
  return mat4x4f(
    d * field(scales, 0xffu, 1.0, 0.0),
    d * field(scales, 0xff00u, 256.0, 0.0),
    dmin * field(minimums, 0xffu, 1.0, 0.0),
    dmin * field(minimums, 0xff00u, 256.0, 0.0),
  );
}

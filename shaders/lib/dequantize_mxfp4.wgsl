// MXFP4 — 32 values in 17 bytes: e u8, qs[16]; nibbles as in Q4_0, each a float of four bits: sign, two bits of exponent,
// one of fraction. y = 2^(e − 128) · M[q], M twice the float: 0, 1, 2, 3, 4, 6, 8, 12 and their negatives. e of 0 and 1 gives
// subnormals, which a GPU may take for zero. A zero may come out negative here.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  // Blocks begin at any byte.
  let block = 4u * row + 17u * (chunk / 4u);
  let e = (weight[block / 4u] >> (8u * (block % 4u))) & 255u;
  let d = bitcast<f32>(select((e - 1u) << 23u, 0x200000u << e, e < 2u));
  let at = block + 1u + 8u * (chunk % 2u);
  let i = at / 4u;
  let skipped = 8u * (at % 4u);
  // A shift by 32 is a shift by 0 in WGSL: split in two.
  let kept = 31u - skipped;
  let first = (weight[i] >> skipped) | ((weight[i + 1u] << 1u) << kept);
  let second = (weight[i + 1u] >> skipped) | ((weight[i + 2u] << 1u) << kept);
  let shift = 4u * (chunk / 2u % 2u);
  return array(d * fp4_values(first >> shift), d * fp4_values(second >> shift));
}

fn fp4_values(codes: u32) -> vec4f {
  let q = (vec4u(codes) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u);
  let word = select(vec4u(0x03020100u), vec4u(0x0c080604u), (q & vec4u(4u)) != vec4u());
  let magnitude = vec4f((word >> (8u * (q & vec4u(3u)))) & vec4u(255u));
  return bitcast<vec4f>(bitcast<vec4u>(magnitude) | ((q & vec4u(8u)) << vec4u(28u)));
}

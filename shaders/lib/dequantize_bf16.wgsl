// BF16 — a value is the upper 2 bytes of an f32.
//
// dequantize(row, group): the 32 values from 32 · group on of the row that begins at word `row` of `weight`.

fn dequantize(row: u32, group: u32) -> array<vec4f, 8> {
  let i = row + 16u * group;
  return array(bf16_quad(i), bf16_quad(i + 2u), bf16_quad(i + 4u), bf16_quad(i + 6u),
               bf16_quad(i + 8u), bf16_quad(i + 10u), bf16_quad(i + 12u), bf16_quad(i + 14u));
}

fn bf16_quad(i: u32) -> vec4f {
  let a = weight[i];
  let b = weight[i + 1u];
  return bitcast<vec4f>(vec4u(a << 16u, a & 0xffff0000u, b << 16u, b & 0xffff0000u));
}

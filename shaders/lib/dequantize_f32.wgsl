// F32 — a value is 4 bytes.
//
// dequantize(row, group): the 32 values from 32 · group on of the row that begins at word `row` of `weight`.

fn dequantize(row: u32, group: u32) -> array<vec4f, 8> {
  let i = row + 32u * group;
  return array(f32_quad(i), f32_quad(i + 4u), f32_quad(i + 8u), f32_quad(i + 12u),
               f32_quad(i + 16u), f32_quad(i + 20u), f32_quad(i + 24u), f32_quad(i + 28u));
}

fn f32_quad(i: u32) -> vec4f {
  return bitcast<vec4f>(vec4u(weight[i], weight[i + 1u], weight[i + 2u], weight[i + 3u]));
}

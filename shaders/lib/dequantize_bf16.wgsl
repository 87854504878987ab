// BF16 — a value is the upper 2 bytes of an f32.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let i = row + 4u * chunk;
  return array(bf16_quad(weight[i], weight[i + 1u]), bf16_quad(weight[i + 2u], weight[i + 3u]));
}

fn bf16_quad(a: u32, b: u32) -> vec4f {
  return bitcast<vec4f>(vec4u(a << 16u, a & 0xffff0000u, b << 16u, b & 0xffff0000u));
}

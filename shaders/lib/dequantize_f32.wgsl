// F32 — a value is 4 bytes.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let i = row + 8u * chunk;
  return array(f32_quad(i), f32_quad(i + 4u));
}

fn f32_quad(i: u32) -> vec4f {
  return bitcast<vec4f>(vec4u(weight[i], weight[i + 1u], weight[i + 2u], weight[i + 3u]));
}

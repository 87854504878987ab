// F16 — a value is 2 bytes, IEEE half precision.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/f16.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let i = row + 4u * chunk;
  return array(f16_quad(weight[i], weight[i + 1u]), f16_quad(weight[i + 2u], weight[i + 3u]));
}

fn f16_quad(a: u32, b: u32) -> vec4f {
  return f16_to_f32(vec4u(a & 0xffffu, a >> 16u, b & 0xffffu, b >> 16u));
}

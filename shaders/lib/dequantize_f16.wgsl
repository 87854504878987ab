// F16 — a value is 2 bytes, IEEE half precision.
//
// dequantize(row, group): the 32 values from 32 · group on of the row that begins at word `row` of `weight`.

#include "lib/f16.wgsl"

fn dequantize(row: u32, group: u32) -> array<vec4f, 8> {
  let i = row + 16u * group;
  return array(f16_quad(i), f16_quad(i + 2u), f16_quad(i + 4u), f16_quad(i + 6u),
               f16_quad(i + 8u), f16_quad(i + 10u), f16_quad(i + 12u), f16_quad(i + 14u));
}

fn f16_quad(i: u32) -> vec4f {
  let a = weight[i];
  let b = weight[i + 1u];
  return vec4f(f16_to_f32(a & 0xffffu), f16_to_f32(a >> 16u), f16_to_f32(b & 0xffffu), f16_to_f32(b >> 16u));
}

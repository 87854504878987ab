// F16 — a value is 2 bytes, IEEE half precision.
//
// dequantize(row, chunk): the 8 values from 8 · chunk on of the row that begins at word `row` of `weight`.

#include "lib/f16.wgsl"

alias WeightWord = u32;

fn dequantize(row: u32, chunk: u32) -> array<vec4f, 2> {
  let i = row + 4u * chunk;
  return array(
    vec4f(f16_pair(weight[i]), f16_pair(weight[i + 1u])),
    vec4f(f16_pair(weight[i + 2u]), f16_pair(weight[i + 3u])),
  );
}

// MXFP4 — 32 values in 17 bytes: e u8, qs[16]; nibbles as in Q4_0, each a float of four bits: sign, two bits of exponent,
// one of fraction. y = 2^(e − 128) · M[q], M twice the float: 0, 1, 2, 3, 4, 6, 8, 12 and their negatives. e of 0 and 1 gives
// subnormals, which a GPU may take for zero. A zero may come out negative here.
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs, e.

#include "lib/tile_scaled.wgsl"

// A word of qs holds a quad in its low nibbles and the quad 16 values on in its high ones.
fn tile_quads(tile: u32) -> vec2u {
  let quad = 8u * (tile / 4u) + tile % 4u;
  return vec2u(quad, quad + 4u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let q = weight_word(base + tile);
  let block = tile / 4u;
  let e = (weight_word(base + row_length() / 8u + block / 4u) >> vec4u(8u * (block % 4u))) & vec4u(255u);
  let d = bitcast<vec4f>(select((e - 1u) << vec4u(23u), vec4u(0x200000u) << e, e < vec4u(2u)));
  return Tile(fp4_columns(q), fp4_columns(q >> vec4u(4u)), d);
}

fn fp4_columns(words: vec4u) -> mat4x4f {
  return mat4x4f(
    fp4_values(words),
    fp4_values(words >> vec4u(8u)),
    fp4_values(words >> vec4u(16u)),
    fp4_values(words >> vec4u(24u)),
  );
}

fn fp4_values(codes: vec4u) -> vec4f {
  let q = codes & vec4u(15u);
  let word = select(vec4u(0x03020100u), vec4u(0x0c080604u), (q & vec4u(4u)) != vec4u());
  let magnitude = vec4f((word >> (8u * (q & vec4u(3u)))) & vec4u(255u));
  return bitcast<vec4f>(bitcast<vec4u>(magnitude) | ((q & vec4u(8u)) << vec4u(28u)));
}

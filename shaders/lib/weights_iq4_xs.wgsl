// IQ4_XS — 256 values in 136 bytes: d f16, scales_h u16, scales_l[4], qs[128]. Eight groups of 32 as in IQ4_NL, each with
// a scale of 6 bits: nibble g of scales_l and bits 2g of scales_h. y = d · (scale − 32) · T[q].
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs; d, scales_h and scales_l.

#include "lib/fields.wgsl"
#include "lib/halves4.wgsl"
#include "lib/iq4_columns.wgsl"
#include "lib/tile_scaled.wgsl"

// A word of qs holds a quad in its low nibbles and the quad 16 values on in its high ones.
fn tile_quads(tile: u32) -> vec2u {
  let quad = 8u * (tile / 4u) + tile % 4u;
  return vec2u(quad, quad + 4u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let q = weight_word(base + tile);
  let header = base + row_length() / 8u + 2u * (tile / 32u);
  let group = tile / 4u % 8u;
  let first = weight_word(header);
  let low = (weight_word(header + 1u) >> vec4u(4u * group)) & vec4u(15u);
  let high = ((first >> vec4u(16u + 2u * group)) & vec4u(3u)) << vec4u(4u);
  let scale = halves_to_f32(first) * field(low | high, 0xffu, 1.0, 32.0);
  return Tile(iq4_columns(q), iq4_columns(q >> vec4u(4u)), scale);
}

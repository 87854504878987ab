// Q3_K — 256 values in 110 bytes: hmask[32], qs[64], scales[12], d f16. The lower two bits are placed as in Q2_K; bit g of byte l
// of hmask is the third bit of value l of group g (0…7) of 32. Sixteen scales of 6 bits, one for 16 values: their low
// nibbles in bytes 0…7, their upper two bits in bytes 8…11. y = d · (scale − 32) · (q − 4).
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: qs, hmask, scales, d.

#include "lib/fields.wgsl"
#include "lib/halves4.wgsl"
#include "lib/tile_two_scales.wgsl"

// A word of qs holds four quads, 32 values apart, two bits a value; a tile is two neighbours of them.
fn tile_quads(tile: u32) -> vec2u {
  let quad = 32u * (tile / 16u) + 16u * (tile % 2u) + tile / 2u % 8u;
  return vec2u(quad, quad + 8u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let n_blocks = row_length() / 256u;
  let block = tile / 32u;
  let half = tile / 16u % 2u;
  let upper = tile % 2u; // groups 2 and 3 of the half
  let place = tile / 2u % 8u;
  let q = weight_word(base + tile / 2u) >> vec4u(4u * upper);
  let high = weight_word(base + 16u * n_blocks + 8u * block + place) >> vec4u(4u * half + 2u * upper);
  let a = (q & vec4u(0x03030303u)) | ((high & vec4u(0x01010101u)) << vec4u(2u));
  let b = ((q >> vec4u(2u)) & vec4u(0x03030303u)) | ((high & vec4u(0x02020202u)) << vec4u(1u));
  let scales = base + 24u * n_blocks + 3u * block;
  let byte = 8u * (place / 4u);
  let scale_low = weight_word(scales + upper) >> vec4u(byte + 4u * half);
  let scale_high = (weight_word(scales + 2u) >> vec4u(byte + 4u * half + 2u * upper)) << vec4u(4u);
  let both = (scale_low & vec4u(0x000f000fu)) | (scale_high & vec4u(0x00300030u));
  let d = half_of(weight_word(base + 27u * n_blocks + block / 2u), block);
  return Tile(
    byte_fields(a, 4.0),
    byte_fields(b, 4.0),
    d * field(both, 0xffu, 1.0, 32.0),
    d * field(both >> vec4u(16u), 0xffu, 1.0, 32.0),
  );
}

// Q6_K — 256 values in 210 bytes: ql[128], qh[64], scales i8[16], d f16. A half of 128 values has 64 bytes of
// ql and 32 of qh. Group k (0…3) of a half takes nibble k / 2 of bytes 32·(k % 2) … of ql, bits 2k of qh, and two
// scales, one for 16 values. y = d · scale · (q − 32).
//
// tile_at(base, tile): 8 values of four rows, `base` being where the rows begin in the weight; tile_quads(tile): which quads
// of a row they are. Planes of a row: ql, qh, scales, d.

#include "lib/fields.wgsl"
#include "lib/halves4.wgsl"
#include "lib/tile_two_scales.wgsl"

// A word of ql: its low nibbles are of group 0 or 1 of a half, its high ones of group 2 or 3.
fn tile_quads(tile: u32) -> vec2u {
  let quad = 32u * (tile / 16u) + tile % 16u;
  return vec2u(quad, quad + 16u);
}

fn tile_at(base: u32, tile: u32) -> Tile {
  let n_blocks = row_length() / 256u;
  let half = tile / 16u; // of the row
  let k = tile / 8u % 2u;
  let place = tile % 8u; // of the group's 8 quads
  let ql = weight_word(base + tile);
  let qh = weight_word(base + 32u * n_blocks + 8u * half + place) >> vec4u(2u * k);
  let a = (ql & vec4u(0x0f0f0f0fu)) | ((qh & vec4u(0x03030303u)) << vec4u(4u));
  let b = ((ql >> vec4u(4u)) & vec4u(0x0f0f0f0fu)) | (qh & vec4u(0x30303030u));
  let scales = base + 48u * n_blocks + 2u * half;
  let shift = vec4u(8u * (2u * k + place / 4u));
  let block = tile / 32u;
  let d = half_of(weight_word(base + 52u * n_blocks + block / 2u), block);
  return Tile(
    byte_fields(a, 32.0),
    byte_fields(b, 32.0),
    d * signed_byte(weight_word(scales) >> shift),
    d * signed_byte(weight_word(scales + 1u) >> shift),
  );
}

fn signed_byte(words: vec4u) -> vec4f {
  return field(words ^ vec4u(0x80u), 0xffu, 1.0, 128.0);
}

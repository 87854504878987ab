// Q6_K — 256 values in 210 bytes: ql[128], qh[64], scales i8[16], d f16. A half of 128 values has 64 bytes of
// ql and 32 of qh. Group k (0…3) of a half takes nibble k / 2 of bytes 32·(k % 2) … of ql, bits 2k of qh, and two
// scales, one for 16 values. y = d · scale · (q − 32).
//
// dequantize(row, group): the 32 values from 32 · group on of the row that begins at word `row` of `weight`.

#include "lib/bytes.wgsl"
#include "lib/f16.wgsl"
#include "lib/halves.wgsl"

fn dequantize(row: u32, group: u32) -> array<vec4f, 8> {
  let block = 2u * row + 105u * (group / 8u);
  let upper = (group / 4u) % 2u;
  let k = group % 4u;
  let low = eight_words_at(block + 32u * upper + 16u * (k % 2u));
  let high = eight_words_at(block + 64u + 16u * upper);
  let scales = half_at(block + 96u + 4u * upper + k);
  let d = f16_to_f32(half_at(block + 104u));
  let first = d * signed_bytes(scales).x;
  let second = d * signed_bytes(scales).y;
  return array(first * q6_k_quad(low[0], high[0], k), first * q6_k_quad(low[1], high[1], k),
               first * q6_k_quad(low[2], high[2], k), first * q6_k_quad(low[3], high[3], k),
               second * q6_k_quad(low[4], high[4], k), second * q6_k_quad(low[5], high[5], k),
               second * q6_k_quad(low[6], high[6], k), second * q6_k_quad(low[7], high[7], k));
}

fn q6_k_quad(low: u32, high: u32, k: u32) -> vec4f {
  let bits = ((low >> (4u * (k / 2u))) & 0x0f0f0f0fu) | (((high >> (2u * k)) & 0x03030303u) << 4u);
  return unsigned_bytes(bits) - 32.0;
}

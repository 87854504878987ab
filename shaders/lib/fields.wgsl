// Small integers out of the bits of a word, the same bits of four rows at a time, as exact floats minus `zero`.
//
// The bits under `mask` are put into the fraction of 2²³ and the float is scaled back: no shift, and no conversion, which
// is slow on many GPUs. `unit` is the value of the mask's lowest bit; the mask is below 2²³.
fn field(words: vec4u, mask: u32, unit: f32, zero: f32) -> vec4f {
  let large = bitcast<vec4f>((words & vec4u(mask)) | vec4u(0x4b000000u));
  return large * (1.0 / unit) - (8388608.0 / unit + zero);
}

// The low nibbles of four bytes, and the high ones.
fn low_nibbles(words: vec4u, zero: f32) -> mat4x4f {
  let upper = words >> vec4u(16u);
  return mat4x4f(
    field(words, 0xfu, 1.0, zero),
    field(words, 0xf00u, 256.0, zero),
    field(upper, 0xfu, 1.0, zero),
    field(upper, 0xf00u, 256.0, zero),
  );
}

fn high_nibbles(words: vec4u, zero: f32) -> mat4x4f {
  let upper = words >> vec4u(16u);
  return mat4x4f(
    field(words, 0xf0u, 16.0, zero),
    field(words, 0xf000u, 4096.0, zero),
    field(upper, 0xf0u, 16.0, zero),
    field(upper, 0xf000u, 4096.0, zero),
  );
}

// Four bytes, unsigned.
fn byte_fields(words: vec4u, zero: f32) -> mat4x4f {
  let upper = words >> vec4u(16u);
  return mat4x4f(
    field(words, 0xffu, 1.0, zero),
    field(words, 0xff00u, 256.0, zero),
    field(upper, 0xffu, 1.0, zero),
    field(upper, 0xff00u, 256.0, zero),
  );
}

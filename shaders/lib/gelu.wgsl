// GELU by tanh. Needs lib/tanh.wgsl.
fn gelu(u: f32) -> f32 {
  return 0.5 * u * (1.0 + tanh_clamped(0.7978845608 * (u + 0.044715 * u * u * u)));
}

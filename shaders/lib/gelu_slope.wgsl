// The derivative of lib/gelu.wgsl. With e = exp(−2z): 1 + tanh z = 2 / (1 + e), 1 − tanh² z = 4e / (1 + e)², which neither
// cancel nor overflow for |z| < 10. Beyond, the forward's tanh is ±1 and the slope 0 or 1: u² may overflow there.
fn gelu_slope(u: f32) -> f32 {
  let z = clamp(0.7978845608 * (u + 0.044715 * u * u * u), -10.0, 10.0);
  let e = exp(-2.0 * z);
  let rising = 1.0 / (1.0 + e); // ½ (1 + tanh z)
  let bend = 2.0 * u * e * rising * rising * 0.7978845608 * (1.0 + 0.134145 * u * u);
  return select(select(0.0, 1.0, u > 0.0), rising + bend, abs(z) < 10.0);
}

// tanh that is finite and accurate everywhere: the built-in one is NaN on some devices beyond ±40.
//
// The clamp changes nothing in f32: tanh(±10) already rounds to ±1. Near zero, where 1 − 2/(e^2z + 1) would cancel,
// the Taylor series to z⁹ is exact to f32 below 1/4.
fn tanh_clamped(value: f32) -> f32 {
  let z = clamp(value, -10.0, 10.0);
  let square = z * z;
  let series = z * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 + square * (-17.0 / 315.0 + square * (62.0 / 2835.0)))));
  return select(1.0 - 2.0 / (exp(2.0 * z) + 1.0), series, abs(z) < 0.25);
}

// Scores over the rows of a batch: the key of a sequence's position p is in the row p after its first, which is what
// `page_table` of its rows says. Needs `shape`, `rows`, tanh.wgsl, visible.wgsl.

// The first row that row r attends; the last is r itself.
fn first_key(r: u32) -> u32 {
  return min(rows[r].page_table + first_visible(rows[r], shape.WINDOW), r);
}

fn capped(score: f32) -> f32 {
  return shape.SOFTCAP * tanh_clamped(score / shape.SOFTCAP);
}

// Products, scaled and soft-capped.
fn finished(product: vec4f) -> vec4f {
  let scaled = product * shape.SCALE;
  if (shape.SOFTCAP > 0.0) {
    return vec4f(capped(scaled.x), capped(scaled.y), capped(scaled.z), capped(scaled.w));
  }
  return scaled;
}

// How a product grows with its score's gradient.
fn finished_slope(score: vec4f) -> vec4f {
  if (shape.SOFTCAP > 0.0) {
    let share = score / shape.SOFTCAP;
    return shape.SCALE * (1.0 - share) * (1.0 + share);
  }
  return vec4f(shape.SCALE);
}

// A score's share of its softmax; only a score that is left out could exceed the logarithm of the sum.
fn softmax_weight(score: vec4f, log_sum: vec4f) -> vec4f {
  return exp(clamp(score - log_sum, vec4f(-80.0), vec4f(80.0)));
}

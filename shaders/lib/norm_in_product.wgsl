// A branch's norm, the residual and the next norm as part of the product that reads them:
//
//   sum = (h + x · first · weight) · scale        first = 1 / sqrt(mean(x²) + EPS)
//   W · (sum · last · next_weight)                last  = 1 / sqrt(mean(sum²) + EPS)
//     = scale · last · (W · (h · next_weight) + first · W · (x · weight · next_weight))
//
// Both factors are sums over the same row as the products, so all is summed up in one pass: nothing waits for a norm. Needs x, h:
// [n][N_IN]; weight, next_weight: [N_IN]; scale: [1]; sum: [n][N_IN], all but scale as vec4f; EPS; N_IN a multiple of 8.

struct NormWeights {
  first: mat2x4f, // weight, at two quads
  next: mat2x4f,
}

fn norm_weights(quads: vec2u) -> NormWeights {
  return NormWeights(
    mat2x4f(weight[quads.x], weight[quads.y]),
    mat2x4f(next_weight[quads.x], next_weight[quads.y]),
  );
}

// Two quads of a row on their way into both products, and what they add to Σ x², Σ h², Σ h · x · weight, Σ (x · weight)².
struct NormTerms {
  stream: mat2x4f,
  branch: mat2x4f,
  squares: vec4f,
}

fn norm_terms(r: u32, quads: vec2u, weights: NormWeights) -> NormTerms {
  let row = r * (shape.N_IN / 4u);
  let x_0 = load_quad(r, quads.x);
  let x_1 = load_quad(r, quads.y);
  let h_0 = h[row + quads.x];
  let h_1 = h[row + quads.y];
  let branch_0 = x_0 * weights.first[0];
  let branch_1 = x_1 * weights.first[1];
  return NormTerms(
    mat2x4f(h_0 * weights.next[0], h_1 * weights.next[1]),
    mat2x4f(branch_0 * weights.next[0], branch_1 * weights.next[1]),
    vec4f(
      dot(x_0, x_0) + dot(x_1, x_1),
      dot(h_0, h_0) + dot(h_1, h_1),
      dot(h_0, branch_0) + dot(h_1, branch_1),
      dot(branch_0, branch_0) + dot(branch_1, branch_1),
    ),
  );
}

struct NormFactors {
  first: f32,
  all: f32, // scale · last
}

fn norm_factors(squares: vec4f) -> NormFactors {
  let n = f32(shape.N_IN);
  let factor = scale[0];
  let first = 1.0 / sqrt(squares.x / n + EPS);
  // Never below zero, whatever the rounding.
  let of_sum = max(squares.y + 2.0 * first * squares.z + first * first * squares.w, 0.0) * factor * factor;
  return NormFactors(first, factor / sqrt(of_sum / n + EPS));
}

// What of `sum` invocation i of all that run writes: the quads of its rows are dealt out.
fn write_sum(r: u32, quad: u32, squares: vec4f) {
  let at = r * (shape.N_IN / 4u) + quad;
  sum[at] = (h[at] + load_quad(r, quad) * norm_factors(squares).first * weight[quad]) * scale[0];
}

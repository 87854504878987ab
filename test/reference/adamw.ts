// adamw in f64.
import type {AdamWSettings} from '../../src/engine/kernels/adamw.ts';

/** Value and moments after a step. */
export function adamw(
  {scale, learningRate, beta1, beta2, epsilon, weightDecay, step}: AdamWSettings,
  [value, gradient, first, second]: readonly [number, number, number, number],
): [value: number, first: number, second: number] {
  const g = scale * gradient;
  const m = beta1 * first + (1 - beta1) * g;
  const v = beta2 * second + (1 - beta2) * g * g;
  const corrected = m / (1 - beta1 ** step);
  const root = Math.sqrt(v / (1 - beta2 ** step));
  return [value * (1 - learningRate * weightDecay) - (learningRate * corrected) / (root + epsilon), m, v];
}

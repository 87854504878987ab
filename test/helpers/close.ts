// Comparing arrays of numbers, and saying where they differ most.
import {expect} from 'chai';

/**
 * Every |actual − expected| ≤ tolerance · max(1, rms(expected)): absolute for values of order one, relative to the
 * array's own size where it is larger. Fails with the worst index.
 */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length, 'length').to.equal(expected.length);
  let squares = 0;
  let worst = -1;
  let worstError = -1;
  for (let i = 0; i < expected.length; i++) {
    squares += expected[i] ** 2;
    const error = Math.abs(actual[i] - expected[i]);
    // NaN compares false with everything: name it at once.
    if (Number.isNaN(error)) expect.fail(`[${i}] is ${actual[i]}, expected ${expected[i]}`);
    if (error > worstError) {
      worst = i;
      worstError = error;
    }
  }
  const limit = tolerance * Math.max(1, Math.sqrt(squares / Math.max(1, expected.length)));
  if (worstError > limit) {
    expect.fail(
      `[${worst}] is ${actual[worst]}, expected ${expected[worst]}: off by ${worstError}, allowed ${limit} ` +
        `(${expected.length} values)`,
    );
  }
}

/** Equal bit for bit; the first difference is named. Zeros of either sign are one value. */
export function expectSame(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length, 'length').to.equal(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] !== expected[i]) expect.fail(`[${i}] is ${actual[i]}, expected exactly ${expected[i]}`);
  }
}

// rope_backward in f64.
import {type RopeShape, rope} from './rope.ts';

/** Rotates pairs by the negative angle; dy: [nRows][nHead][headDim]. */
export function ropeBackward(
  dy: ArrayLike<number>,
  positions: ArrayLike<number>,
  shape: RopeShape,
): Float64Array<ArrayBuffer> {
  return rope(
    dy,
    Array.from(positions, (position) => -position),
    shape,
  );
}

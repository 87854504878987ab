// Deterministic test data: the same numbers on every engine.
import {seededRandom} from '../model-files/random.ts';

/** Bell-shaped f32 values, mean 0, standard deviation 1. */
export function noise(length: number, seed = 1): Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Float32Array.from({length}, () => random.gauss());
}

/** Bytes of any value. */
export function noiseBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Uint8Array.from({length}, () => random.u32() & 255);
}

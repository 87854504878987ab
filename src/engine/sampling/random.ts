// Random numbers that depend on nothing but (seed, counter): Philox2x32-10 (Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", 2011). Counter-based, u32 only, no state: a shader can draw the same numbers. Knows no sampling.

const MULTIPLIER = 0xd256d193;
const WEYL = 0x9e3779b9;
const ROUNDS = 10;

/** High 32 bits of a·b, both u32. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const cross = aHigh * bLow + ((aLow * bLow) >>> 16); // < 2^32
  const carry = aLow * bHigh + (cross & 0xffff); // < 2^32
  return (aHigh * bHigh + Math.floor(cross / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** Two u32 words from a 64-bit counter and a 32-bit key. */
export function philox(counterLow: number, counterHigh: number, key: number): [number, number] {
  let low = counterLow >>> 0;
  let high = counterHigh >>> 0;
  let k = key >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const next = (mulHigh(low, MULTIPLIER) ^ k ^ high) >>> 0;
    high = Math.imul(low, MULTIPLIER) >>> 0;
    low = next;
    k = (k + WEYL) >>> 0;
  }
  return [low, high];
}

/**
 * Number `counter` of stream `seed`, uniform in [0, 1) with 53 bits.
 * @param seed an integer from 0 to 2^53 − 1
 */
export function uniform(seed: number, counter: number): number {
  const [low, high] = philox(counter, Math.floor(seed / 0x1_0000_0000), seed % 0x1_0000_0000);
  return (high * 0x20_0000 + (low >>> 11)) / 2 ** 53;
}

/** A random seed, where the caller chose none. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

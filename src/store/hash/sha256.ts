// SHA-256 (FIPS 180-4) of bytes that come in pieces: WebCrypto hashes only what is in memory as a whole, and a model
// never is. Single blocks are hashed by WebCrypto, which is several times faster; this is for whole files.

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K = roundConstants(64, 1 / 3);
/** The same of the square roots of the first 8. */
const INITIAL = roundConstants(8, 1 / 2);
const CHUNK = 64;

export class Sha256 {
  readonly #state = INITIAL.slice();
  readonly #schedule = new Int32Array(64);
  /** The beginning of a chunk that is not full yet. */
  readonly #rest = new Uint8Array(CHUNK);
  #length = 0;

  /** Bytes hashed so far. */
  get length(): number {
    return this.#length;
  }

  update(bytes: Uint8Array): this {
    const held = this.#length % CHUNK;
    this.#length += bytes.length;
    let at = 0;
    if (held > 0) {
      at = Math.min(CHUNK - held, bytes.length);
      this.#rest.set(bytes.subarray(0, at), held);
      if (held + at < CHUNK) return this;
      compress(this.#state, this.#schedule, this.#rest, 0, CHUNK);
    }
    const whole = bytes.length - ((bytes.length - at) % CHUNK);
    compress(this.#state, this.#schedule, bytes, at, whole);
    this.#rest.set(bytes.subarray(whole));
    return this;
  }

  /** The hash in hex. What is hashed may grow on afterwards. */
  digest(): string {
    const state = this.#state.slice();
    const held = this.#length % CHUNK;
    const tail = padded(this.#rest.subarray(0, held), this.#length);
    compress(state, this.#schedule, tail, 0, tail.length);
    return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

/** The last chunk or two: what is left, a one bit, zeros, and the length in bits as a 64-bit big-endian number. */
export function padded(rest: Uint8Array, length: number): Uint8Array {
  const tail = new Uint8Array(rest.length < CHUNK - 8 ? CHUNK : 2 * CHUNK);
  tail.set(rest);
  tail[rest.length] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(tail.length - 4, (length * 8) % 2 ** 32);
  return tail;
}

const sigma0 = (x: number) => ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
const sigma1 = (x: number) => ((x >>> 17) | (x << 15)) ^ ((x >>> 19) | (x << 13)) ^ (x >>> 10);

/**
 * Takes the chunks in bytes[from, to) into the state; the standard's names. Eight rounds at a time, so that the working
 * variables need not be moved along, and written out, since engines inline only so many calls: three times the speed of
 * the plain loop.
 */
function compress(state: Int32Array, w: Int32Array, bytes: Uint8Array, from: number, to: number): void {
  let [a, b, c, d, e, f, g, h] = state;
  for (let at = from; at < to; at += CHUNK) {
    for (let t = 0, i = at; t < 16; t++, i += 4) {
      w[t] = (bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3];
    }
    for (let t = 16; t < 64; t++)
      w[t] = (((w[t - 16] + w[t - 7]) | 0) + ((sigma0(w[t - 15]) + sigma1(w[t - 2])) | 0)) | 0;
    for (let t = 0; t < 64; t += 8) {
      h =
        (((h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7)))) | 0) +
          (((g ^ (e & (f ^ g))) + ((K[t] + w[t]) | 0)) | 0)) |
        0;
      d = (d + h) | 0;
      h =
        (h +
          (((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) +
            ((a & b) | (c & (a | b)))) |
            0)) |
        0;
      g =
        (((g + (((d >>> 6) | (d << 26)) ^ ((d >>> 11) | (d << 21)) ^ ((d >>> 25) | (d << 7)))) | 0) +
          (((f ^ (d & (e ^ f))) + ((K[t + 1] + w[t + 1]) | 0)) | 0)) |
        0;
      c = (c + g) | 0;
      g =
        (g +
          (((((h >>> 2) | (h << 30)) ^ ((h >>> 13) | (h << 19)) ^ ((h >>> 22) | (h << 10))) +
            ((h & a) | (b & (h | a)))) |
            0)) |
        0;
      f =
        (((f + (((c >>> 6) | (c << 26)) ^ ((c >>> 11) | (c << 21)) ^ ((c >>> 25) | (c << 7)))) | 0) +
          (((e ^ (c & (d ^ e))) + ((K[t + 2] + w[t + 2]) | 0)) | 0)) |
        0;
      b = (b + f) | 0;
      f =
        (f +
          (((((g >>> 2) | (g << 30)) ^ ((g >>> 13) | (g << 19)) ^ ((g >>> 22) | (g << 10))) +
            ((g & h) | (a & (g | h)))) |
            0)) |
        0;
      e =
        (((e + (((b >>> 6) | (b << 26)) ^ ((b >>> 11) | (b << 21)) ^ ((b >>> 25) | (b << 7)))) | 0) +
          (((d ^ (b & (c ^ d))) + ((K[t + 3] + w[t + 3]) | 0)) | 0)) |
        0;
      a = (a + e) | 0;
      e =
        (e +
          (((((f >>> 2) | (f << 30)) ^ ((f >>> 13) | (f << 19)) ^ ((f >>> 22) | (f << 10))) +
            ((f & g) | (h & (f | g)))) |
            0)) |
        0;
      d =
        (((d + (((a >>> 6) | (a << 26)) ^ ((a >>> 11) | (a << 21)) ^ ((a >>> 25) | (a << 7)))) | 0) +
          (((c ^ (a & (b ^ c))) + ((K[t + 4] + w[t + 4]) | 0)) | 0)) |
        0;
      h = (h + d) | 0;
      d =
        (d +
          (((((e >>> 2) | (e << 30)) ^ ((e >>> 13) | (e << 19)) ^ ((e >>> 22) | (e << 10))) +
            ((e & f) | (g & (e | f)))) |
            0)) |
        0;
      c =
        (((c + (((h >>> 6) | (h << 26)) ^ ((h >>> 11) | (h << 21)) ^ ((h >>> 25) | (h << 7)))) | 0) +
          (((b ^ (h & (a ^ b))) + ((K[t + 5] + w[t + 5]) | 0)) | 0)) |
        0;
      g = (g + c) | 0;
      c =
        (c +
          (((((d >>> 2) | (d << 30)) ^ ((d >>> 13) | (d << 19)) ^ ((d >>> 22) | (d << 10))) +
            ((d & e) | (f & (d | e)))) |
            0)) |
        0;
      b =
        (((b + (((g >>> 6) | (g << 26)) ^ ((g >>> 11) | (g << 21)) ^ ((g >>> 25) | (g << 7)))) | 0) +
          (((a ^ (g & (h ^ a))) + ((K[t + 6] + w[t + 6]) | 0)) | 0)) |
        0;
      f = (f + b) | 0;
      b =
        (b +
          (((((c >>> 2) | (c << 30)) ^ ((c >>> 13) | (c << 19)) ^ ((c >>> 22) | (c << 10))) +
            ((c & d) | (e & (c | d)))) |
            0)) |
        0;
      a =
        (((a + (((f >>> 6) | (f << 26)) ^ ((f >>> 11) | (f << 21)) ^ ((f >>> 25) | (f << 7)))) | 0) +
          (((h ^ (f & (g ^ h))) + ((K[t + 7] + w[t + 7]) | 0)) | 0)) |
        0;
      e = (e + a) | 0;
      a =
        (a +
          (((((b >>> 2) | (b << 30)) ^ ((b >>> 13) | (b << 19)) ^ ((b >>> 22) | (b << 10))) +
            ((b & c) | (d & (b | c)))) |
            0)) |
        0;
    }
    state[0] = a = (a + state[0]) | 0;
    state[1] = b = (b + state[1]) | 0;
    state[2] = c = (c + state[2]) | 0;
    state[3] = d = (d + state[3]) | 0;
    state[4] = e = (e + state[4]) | 0;
    state[5] = f = (f + state[5]) | 0;
    state[6] = g = (g + state[6]) | 0;
    state[7] = h = (h + state[7]) | 0;
  }
}

/**
 * Computed instead of listed: the k-th root of a prime p is found as an integer root of p · 2^(32·k), exactly.
 * @param exponent 1/2 or 1/3
 */
function roundConstants(count: number, exponent: number): Int32Array {
  const constants = new Int32Array(count);
  const power = BigInt(Math.round(1 / exponent));
  for (let prime = 2, found = 0; found < count; prime++) {
    if (!isPrime(prime)) continue;
    const target = BigInt(prime) << (32n * power);
    let root = BigInt(Math.floor(prime ** exponent * 2 ** 32));
    while (root ** power > target) root--;
    while ((root + 1n) ** power <= target) root++;
    constants[found++] = Number(BigInt.asIntN(32, root));
  }
  return constants;
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}

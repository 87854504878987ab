// The state of a training as one file: updates so far with their losses, the factors, and AdamW's moments. What is read is checked;
// a file that is not whole counts as none, because training can begin again and come to the same.
import type {LowRankFactors} from '../engine/engine.ts';
import type {TrainingState} from '../engine/training/training.ts';
import type {TrainingPoint} from '../protocol/training.ts';

/** A run up to an update. */
export interface KeptState {
  /** Without moments once the run has ended. */
  readonly state: TrainingState;
  readonly points: readonly TrainingPoint[];
}

const MAGIC = 0x54534347; // "GCST"
const VERSION = 1;
const HASH_BYTES = 32;
const PREFIX_BYTES = 12 + HASH_BYTES;
const MAX_HEADER_BYTES = 2 ** 26;

interface Header {
  step: number;
  /** Lengths of the arrays that follow. */
  factors: {tensor: string; rank: number; scale: number; a: number; b: number}[];
  moments: number[];
  points: [step: number, loss: number, validationLoss: number | null, learningRate: number][];
}

/** Magic, version, length of the header; SHA-256 of what follows; the header as JSON, padded; values in f32. */
export async function encodeState({state, points}: KeptState): Promise<Uint8Array<ArrayBuffer>> {
  const {step, factors, moments} = state;
  const header: Header = {
    step,
    factors: factors.map(({tensor, rank, scale, a, b}) => ({tensor, rank, scale, a: a.length, b: b.length})),
    moments: moments.map(({first}) => first.length),
    points: points.map(({step, loss, validationLoss, learningRate}) => [step, loss, validationLoss, learningRate]),
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 4) * 4;
  const values = [...factors.flatMap(({a, b}) => [a, b]), ...moments.flatMap(({first, second}) => [first, second])];
  const size = values.reduce((sum, {byteLength}) => sum + byteLength, PREFIX_BYTES + headerBytes);
  const file = new Uint8Array(size).fill(0x20, PREFIX_BYTES, PREFIX_BYTES + headerBytes);
  file.set(text, PREFIX_BYTES);
  let at = PREFIX_BYTES + headerBytes;
  for (const value of values) {
    file.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), at);
    at += value.byteLength;
  }
  const view = new DataView(file.buffer);
  [MAGIC, VERSION, headerBytes].forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  file.set(await sha256(file.subarray(PREFIX_BYTES)), 12);
  return file;
}

/** Null for what is not a whole state. */
export async function decodeState(file: Uint8Array<ArrayBuffer>): Promise<KeptState | null> {
  if (file.length < PREFIX_BYTES) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const [magic, version, headerBytes] = [0, 4, 8].map((at) => view.getUint32(at, true));
  if (magic !== MAGIC || version !== VERSION) return null;
  if (headerBytes > MAX_HEADER_BYTES || headerBytes > file.length - PREFIX_BYTES) return null;
  const hash = await sha256(file.subarray(PREFIX_BYTES));
  if (hash.some((byte, i) => byte !== file[12 + i])) return null;
  // Its hash is right: it is what was written.
  const header: Header = JSON.parse(new TextDecoder().decode(file.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes)));
  let at = PREFIX_BYTES + headerBytes;
  const next = (length: number): Float32Array<ArrayBuffer> => {
    const bytes = file.slice(at, at + 4 * length);
    at += 4 * length;
    return new Float32Array(bytes.buffer);
  };
  const factors = header.factors.map(({tensor, rank, scale, a, b}): LowRankFactors => {
    return {tensor, rank, scale, a: next(a), b: next(b)};
  });
  const moments = header.moments.map((length) => ({first: next(length), second: next(length)}));
  if (at !== file.length) return null;
  return {
    state: {step: header.step, factors, moments},
    points: header.points.map(([step, loss, validationLoss, learningRate]) => ({
      ...{step, loss, validationLoss, learningRate},
      tokensPerSecond: 0,
      secondsLeft: 0,
    })),
  };
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

// All tokens of a vocabulary as a tree of their bytes, in flat arrays. Made once a model, in pieces of some milliseconds.
// Knows no grammar.

/** What is needed of a tokenizer. */
export interface TokenTexts {
  readonly size: number;
  /** Bytes of a token in text; empty for one that is never to be generated. */
  bytes(id: number): Uint8Array;
  /** Control tokens that a grammar may name; they are no text. */
  readonly controls: readonly number[];
}

/** Marks a control token: no byte of UTF-8. Three bytes of its id follow. */
export const CONTROL_MARK = 0xff;

/** The bytes that stand for a control token. */
export function controlBytes(id: number): Uint8Array {
  return Uint8Array.of(CONTROL_MARK, id >> 16, (id >> 8) & 0xff, id & 0xff);
}

/** Longer tokens, of hostile files, are never generated. */
const MAX_DEPTH = 255;
/** Tokens that are handled between two yields. */
const PIECE = 4096;

/** The tree, in the order of a walk: a node, then all below it. The root is none of them. */
export interface TokenTrie {
  /** Tokens of the vocabulary. */
  readonly vocabSize: number;
  readonly size: number;
  /** u8: the last byte of each node. */
  readonly bytes: Uint8Array;
  /** u8: how many bytes each node stands for, from 1. */
  readonly depths: Uint8Array;
  /** i32: the node after all that are below. */
  readonly skips: Int32Array;
  /** i32: the token that ends at a node, or −1. */
  readonly tokens: Int32Array;
  /** i32[vocabSize]: another token of the same bytes, or −1. */
  readonly twins: Int32Array;
  /** Bytes of the longest token. */
  readonly maxDepth: number;
  /** Bytes that stand for a token: those of its text, or of its mark. Empty for a token that is not in the tree. */
  bytesOf(id: number): Uint8Array;
}

/** Makes the tree. About half a second for 262,144 tokens. */
export function* buildTrie(texts: TokenTexts): Generator<void, TokenTrie, void> {
  const {size: vocabSize} = texts;
  const {offsets, packed} = yield* pack(texts);
  const sorted = yield* sort(offsets, packed);
  const nodes = yield* layOut(sorted, offsets, packed);
  const bytesOf = (id: number): Uint8Array => packed.subarray(offsets[id], offsets[id + 1]);
  return {vocabSize, ...nodes, bytesOf};
}

interface Packed {
  offsets: Uint32Array;
  packed: Uint8Array;
}

function* pack(texts: TokenTexts): Generator<void, Packed, void> {
  const offsets = new Uint32Array(texts.size + 1);
  let packed = new Uint8Array(8 * texts.size + 1024);
  let length = 0;
  const controls = new Set(texts.controls);
  for (let id = 0; id < texts.size; id++) {
    if (id % PIECE === PIECE - 1) yield;
    const isControl = controls.has(id);
    const bytes = isControl ? controlBytes(id) : texts.bytes(id);
    if (bytes.length <= MAX_DEPTH && (isControl || !bytes.includes(CONTROL_MARK))) {
      if (length + bytes.length > packed.length) {
        const grown = new Uint8Array(2 * packed.length);
        grown.set(packed);
        packed = grown;
      }
      packed.set(bytes, length);
      length += bytes.length;
    }
    offsets[id + 1] = length;
  }
  return {offsets, packed: packed.slice(0, length)};
}

/** Ids of tokens that have bytes, in the order of these: by the first two in buckets, then each bucket. */
function* sort(offsets: Uint32Array, packed: Uint8Array): Generator<void, Int32Array, void> {
  const size = offsets.length - 1;
  const bucketOf = (id: number): number => {
    const at = offsets[id];
    // A token of one byte comes before those that go on after it.
    return packed[at] * 257 + (offsets[id + 1] - at > 1 ? packed[at + 1] + 1 : 0);
  };
  const starts = new Uint32Array(256 * 257 + 1);
  for (let id = 0; id < size; id++) if (offsets[id + 1] > offsets[id]) starts[bucketOf(id) + 1]++;
  yield;
  for (let bucket = 1; bucket < starts.length; bucket++) starts[bucket] += starts[bucket - 1];
  const sorted = new Int32Array(starts[starts.length - 1]);
  const next = starts.slice();
  for (let id = 0; id < size; id++) if (offsets[id + 1] > offsets[id]) sorted[next[bucketOf(id)]++] = id;
  yield;
  const compare = (a: number, b: number): number => {
    const [startA, startB] = [offsets[a], offsets[b]];
    const lengthA = offsets[a + 1] - startA;
    const lengthB = offsets[b + 1] - startB;
    const common = Math.min(lengthA, lengthB);
    for (let i = 2; i < common; i++) {
      const difference = packed[startA + i] - packed[startB + i];
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB || a - b;
  };
  let rested = 0;
  for (let bucket = 0; bucket + 1 < starts.length; bucket++) {
    if (starts[bucket + 1] - starts[bucket] > 1) sorted.subarray(starts[bucket], starts[bucket + 1]).sort(compare);
    if (starts[bucket + 1] - rested < PIECE) continue;
    rested = starts[bucket + 1];
    yield;
  }
  return sorted;
}

type Nodes = Pick<TokenTrie, 'size' | 'bytes' | 'depths' | 'skips' | 'tokens' | 'twins' | 'maxDepth'>;

function* layOut(sorted: Int32Array, offsets: Uint32Array, packed: Uint8Array): Generator<void, Nodes, void> {
  const commonWith = (i: number): number => {
    if (i === 0) return 0;
    const [a, b] = [offsets[sorted[i - 1]], offsets[sorted[i]]];
    const end = Math.min(offsets[sorted[i - 1] + 1] - a, offsets[sorted[i] + 1] - b);
    let common = 0;
    while (common < end && packed[a + common] === packed[b + common]) common++;
    return common;
  };
  let size = 0;
  for (let i = 0; i < sorted.length; i++) size += offsets[sorted[i] + 1] - offsets[sorted[i]] - commonWith(i);
  yield;
  const bytes = new Uint8Array(size);
  const depths = new Uint8Array(size);
  const skips = new Int32Array(size);
  const tokens = new Int32Array(size).fill(-1);
  const twins = new Int32Array(offsets.length - 1).fill(-1);
  const path = new Int32Array(MAX_DEPTH + 1);
  let node = 0;
  let depth = 0;
  let maxDepth = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (i % PIECE === PIECE - 1) yield;
    const start = offsets[sorted[i]];
    const length = offsets[sorted[i] + 1] - start;
    const common = commonWith(i);
    if (common === length) {
      // The same bytes as the token before it.
      const first = tokens[path[depth]];
      twins[sorted[i]] = twins[first];
      twins[first] = sorted[i];
      continue;
    }
    for (; depth > common; depth--) skips[path[depth]] = node;
    while (depth < length) {
      bytes[node] = packed[start + depth];
      depths[node] = ++depth;
      path[depth] = node++;
    }
    tokens[path[depth]] = sorted[i];
    maxDepth = Math.max(maxDepth, depth);
  }
  for (; depth > 0; depth--) skips[path[depth]] = node;
  return {size, bytes, depths, skips, tokens, twins, maxDepth};
}

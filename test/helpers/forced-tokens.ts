// The token ids that logits are compared on, and the way the engine is fed them. Knows no figures.

import {seededRandom} from '../../scripts/model-files/random.ts';
import type {Engine} from '../../src/engine/engine.ts';

/** bos, then ids from the whole vocabulary. More than 64 positions: several times the fixtures' sliding windows. */
export function forcedTokens(vocabSize: number, count = 80): number[] {
  const random = seededRandom(vocabSize);
  return Array.from({length: count}, (_, i) => (i === 0 ? 2 : random.u32() % vocabSize));
}

/** Three prefill chunks of different sizes, then a token at a time: both plans and every boundary between them. */
const CHUNKS = [1, 33, 17, 1];

/** The engine's logits at every position. @param chunks sizes of the steps; the last repeats. */
export async function engineLogits(
  engine: Engine,
  tokens: readonly number[],
  chunks: readonly number[] = CHUNKS,
): Promise<Float32Array[]> {
  const sequence = engine.createSequence();
  const rows: Float32Array[] = [];
  try {
    for (let at = 0, step = 0; at < tokens.length; step++) {
      const size = Math.min(chunks[Math.min(step, chunks.length - 1)], engine.chunkSize);
      const [logits] = await engine.step([{sequence, tokens: tokens.slice(at, at + size), logits: 'all'}]);
      rows.push(...logits);
      at += size;
    }
  } finally {
    sequence.free();
  }
  return rows;
}

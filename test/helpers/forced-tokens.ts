// The token ids that logits are compared on, and the way the engine is fed them. Knows no figures.
import type {Engine} from '../../src/engine/engine.ts';
import {seededRandom} from '../fixtures/random.ts';

/** bos, then ids from the whole vocabulary. More than 64 positions: several times the fixtures' sliding windows. */
export function forcedTokens(vocabSize: number, count = 80): number[] {
  const random = seededRandom(vocabSize);
  return Array.from({length: count}, (_, i) => (i === 0 ? 2 : random.u32() % vocabSize));
}

/**
 * The engine's logits at every position: three prefill chunks of different sizes, then a token at a time, so that both
 * plans and every boundary between them are crossed.
 */
export async function engineLogits(engine: Engine, tokens: readonly number[]): Promise<Float32Array[]> {
  const sequence = engine.createSequence();
  const sizes = [1, 33, 17].map((size) => Math.min(size, engine.chunkSize));
  const rows: Float32Array[] = [];
  try {
    for (let at = 0; at < tokens.length; ) {
      const size = sizes.shift() ?? 1;
      const [logits] = await engine.step([{sequence, tokens: tokens.slice(at, at + size), logits: 'all'}]);
      rows.push(...logits);
      at += size;
    }
  } finally {
    sequence.free();
  }
  return rows;
}

// Mixtures of experts are judged only where their routers decide clearly: llama.cpp's own rounding (its GELU is a table of
// half-precision values) flips an expert at a near-tie, and then all later logits differ by several per cent.

import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {ReferenceModel} from '../reference/forward.ts';

/** Logits between the last expert chosen and the next; their spread is 2. Flips were seen up to 5e-4. */
export const CLEAR_ROUTING = 2e-3;
const MAX_SEEDS = 60;

/**
 * The model of the first of the seeds `seed`, `seed` + 100, … that routes all tokens clearly.
 * @param make (seed) → the bytes of a GGUF
 * @returns {Promise<{seed: number, bytes: Uint8Array, margin: number | null}>} margin null: no experts
 */
export async function clearlyRouted(seed, make, tokens) {
  for (let n = 0; n < MAX_SEEDS; n++) {
    const each = seed + 100 * n;
    const bytes = make(each);
    const margin = await routerMargin(bytes, tokens);
    if (margin === null || margin >= CLEAR_ROUTING) return {seed: each, bytes, margin};
  }
  throw new Error(`none of ${MAX_SEEDS} seeds routes with a margin of ${CLEAR_ROUTING}`);
}

/** The smallest margin of all routers and tokens, or one below CLEAR_ROUTING; null without experts. */
async function routerMargin(bytes, tokens) {
  const source = memorySource(bytes);
  const file = await readGguf(source);
  const used = file.metadata.integer(`${file.metadata.string('general.architecture')}.expert_used_count`, 0);
  if (used === 0) return null;
  const model = await ReferenceModel.load(source, file);
  let margin = Number.POSITIVE_INFINITY;
  try {
    model.logits(tokens, {
      from: tokens.length, // no head
      trace(name, rows) {
        if (!name.startsWith('ffn_moe_logits-')) return;
        for (const row of rows) {
          const sorted = Float64Array.from(row).sort().reverse();
          if (sorted.length > used) margin = Math.min(margin, sorted[used - 1] - sorted[used]);
        }
        if (margin < CLEAR_ROUTING) throw margin;
      },
    });
  } catch (thrown) {
    if (thrown !== margin) throw thrown;
  }
  return margin;
}

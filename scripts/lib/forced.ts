// A real model on one engine, beside stored values: forced log-probabilities and greedy answers. The same in Node on a
// software adapter, where few positions are asked, and on a GPU, where all are. Knows no file and no judge.
import type {Engine} from '../../src/engine/engine.ts';

/** 1.4e-4 is seen: log-probabilities of 262,144 tokens, float32 on both sides. */
export const LOGPROB_TOLERANCE = 5e-4;
/** Another first choice is a fault where the judge's two best logits are further apart. */
export const NEAR_TIE = 1e-3;

export interface ForcedText {
  name: string;
  /** bos first. */
  ids: readonly number[];
  /** At i: of ids[i + 1]. */
  logprobs: readonly number[];
  first: readonly number[];
  margins: readonly number[];
}

export interface Answer {
  ids: readonly number[];
  next: readonly number[];
  margins: readonly number[];
}

export interface ForcedFigures {
  name: string;
  positions: number;
  /** Largest difference of a log-probability. */
  largest: number;
  /** The first choices that differ, with the judge's margin there. */
  parted: {at: number; margin: number}[];
  /** exp of the mean negative log-probability, of the engine and of the judge, over the same positions. */
  perplexity: [number, number];
}

/** log p of one token, and the id of the largest logit. */
function scored(row: Float32Array, token: number): {logprob: number; first: number} {
  let first = 0;
  for (let id = 1; id < row.length; id++) if (row[id] > row[first]) first = id;
  let sum = 0;
  for (const value of row) sum += Math.exp(value - row[first]);
  return {logprob: row[token] - row[first] - Math.log(sum), first};
}

/**
 * @param chunks sizes of the steps; the last repeats
 * @param every all: every position's logits come back, else those of each step's last token
 * @param until positions of the text that are fed
 */
export async function forcedFigures(
  engine: Engine,
  text: ForcedText,
  {chunks, every, until = text.ids.length - 1}: {chunks: readonly number[]; every: boolean; until?: number},
): Promise<ForcedFigures> {
  const sequence = engine.createSequence();
  const figures: ForcedFigures = {name: text.name, positions: 0, largest: 0, parted: [], perplexity: [0, 0]};
  try {
    for (let at = 0, step = 0; at < until; step++) {
      const size = Math.min(chunks[Math.min(step, chunks.length - 1)], engine.chunkSize, until - at);
      const tokens = text.ids.slice(at, at + size);
      const [rows] = await engine.step([{sequence, tokens, logits: every ? 'all' : 'last'}]);
      at += size;
      for (const [i, row] of rows.entries()) {
        const position = at - rows.length + i;
        const {logprob, first} = scored(row, text.ids[position + 1]);
        const difference = Math.abs(logprob - text.logprobs[position]);
        // Written so that NaN is kept.
        if (!(difference <= figures.largest)) figures.largest = difference;
        if (first !== text.first[position]) figures.parted.push({at: position, margin: text.margins[position]});
        figures.positions++;
        figures.perplexity[0] -= logprob;
        figures.perplexity[1] -= text.logprobs[position];
      }
    }
  } finally {
    sequence.free();
  }
  const {perplexity, positions} = figures;
  figures.perplexity = [Math.exp(perplexity[0] / positions), Math.exp(perplexity[1] / positions)];
  return figures;
}

/** The greedy answers to all prompts, all in one batch; a step a token. */
export async function greedyAnswers(engine: Engine, answers: readonly Answer[], count: number): Promise<number[][]> {
  const sequences = answers.map(() => engine.createSequence());
  const results: number[][] = answers.map(() => []);
  const best = ([row]: Float32Array[]) => scored(row, 0).first;
  try {
    for (const [i, {ids}] of answers.entries()) {
      let last: Float32Array[] = [];
      for (let at = 0; at < ids.length; at += engine.chunkSize) {
        const tokens = ids.slice(at, at + engine.chunkSize);
        [last] = await engine.step([{sequence: sequences[i], tokens, logits: 'last'}]);
      }
      results[i].push(best(last));
    }
    for (let n = 1; n < count; n++) {
      const inputs = sequences.map((sequence, i) => ({
        sequence,
        tokens: results[i].slice(-1),
        logits: 'last' as const,
      }));
      const rows = await engine.step(inputs);
      for (const [i, each] of rows.entries()) results[i].push(best(each));
    }
  } finally {
    for (const sequence of sequences) sequence.free();
  }
  return results;
}

/** Where an answer parts from the judge's, and the judge's margin there; null where it does not. */
export function partsAt(answer: Answer, given: readonly number[]): {at: number; margin: number} | null {
  const at = given.findIndex((id, i) => id !== answer.next[i]);
  return at < 0 ? null : {at, margin: answer.margins[at]};
}

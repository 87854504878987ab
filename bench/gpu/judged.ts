// A real file on a GPU beside transformers' stored values (test/conformance/real/golden.json): every position and every
// greedy answer, with the plain kernels and with those that suit the device. Knows no figures of speed.
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {
  type Answer,
  type ForcedFigures,
  type ForcedText,
  forcedFigures,
  greedyAnswers,
  LOGPROB_TOLERANCE,
  NEAR_TIE,
  partsAt,
} from '../../scripts/lib/forced.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import type {Device} from '../../src/gpu/device.ts';
import {fileSource} from '../lib/file-source.ts';
import {engineOptions} from '../lib/measure.ts';

export interface Judged {
  /** `plain`: every operation a dispatch of its own; `device`: what the engine chooses here. */
  kernels: 'plain' | 'device';
  texts: ForcedFigures[];
  /** Greedy answers: how many, how many equal alone, and how many equal in batches of eight. */
  answers: {asked: number; equal: number; equalInBatches: number};
  misses: string[];
}

const BATCH = 8;
/** Of each text and answer in a dry run, where a software adapter does a few positions a second. */
const DRY = {positions: 16, answers: 2, tokens: 2};

/** Null where the stored values are of another file. @param golden path of golden.json */
export async function judgeFile(
  file: string,
  device: Device,
  golden: string,
  {dry, report}: {dry: boolean; report: (line: string) => void},
): Promise<Judged[] | null> {
  const stored = JSON.parse(readFileSync(golden, 'utf8')) as {sha256: string; texts: ForcedText[]; answers: Answer[]};
  if (createHash('sha256').update(readFileSync(file)).digest('hex') !== stored.sha256) {
    report('not the file that transformers was asked about: not judged');
    return null;
  }
  const source = fileSource(file);
  const answers = stored.answers.slice(0, dry ? DRY.answers : undefined);
  const results: Judged[] = [];
  for (const kernels of ['plain', 'device'] as const) {
    const chosen = engineOptions(device, kernels === 'plain' ? {variants: 'plain', chunk: '64'} : {});
    const engine = await loadEngine(source, await readGguf(source), device.device, {
      contextLength: 2048,
      maxSequences: BATCH,
      ...chosen,
    });
    const judged: Judged = {
      kernels,
      texts: [],
      answers: {asked: answers.length, equal: 0, equalInBatches: 0},
      misses: [],
    };
    try {
      for (const text of stored.texts) {
        const until = dry ? DRY.positions : undefined;
        const figures = await forcedFigures(engine, text, {chunks: [engine.chunkSize], every: true, until});
        const {name, positions, largest, parted} = figures;
        judged.texts.push(figures);
        report(
          `${kernels}, ${name}: ${positions} positions, largest |Δ log p| ${largest.toExponential(1)}, ${parted.length} other first choices`,
        );
        if (!(largest <= LOGPROB_TOLERANCE)) judged.misses.push(`${name}: |Δ log p| ${largest}`);
        for (const {at, margin} of parted)
          if (margin > NEAR_TIE) judged.misses.push(`${name}: first choice at ${at}, by ${margin}`);
      }
      const count = dry ? DRY.tokens : answers[0].next.length;
      const compare = async (group: readonly Answer[], what: string): Promise<number> => {
        const given = await greedyAnswers(engine, group, count);
        const parts = given.map((ids, i) => partsAt(group[i], ids));
        for (const part of parts)
          if (part && part.margin > NEAR_TIE) judged.misses.push(`${what}: parts at ${part.at}, by ${part.margin}`);
        return parts.filter((part) => part === null).length;
      };
      for (const answer of answers) judged.answers.equal += await compare([answer], 'an answer alone');
      for (let at = 0; at < answers.length; at += BATCH) {
        judged.answers.equalInBatches += await compare(answers.slice(at, at + BATCH), 'an answer in a batch');
      }
      const {equal, equalInBatches} = judged.answers;
      report(`${kernels}: of ${answers.length} answers ${equal} equal alone, ${equalInBatches} in batches of ${BATCH}`);
      for (const miss of judged.misses) report(`MISS ${miss}`);
    } finally {
      engine.destroy();
    }
    results.push(judged);
  }
  source.close?.();
  return results;
}

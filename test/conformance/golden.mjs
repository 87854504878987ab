// Writes test/fixtures/golden/: transformers' logits of a few positions of generated models, which `npm test` checks
// without Python. One model a shape, every weight type at least once.
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {GOLDEN_MODELS, sha256} from '../fixtures/golden.ts';
import {compareLogits} from './compare.mjs';

export {GOLDEN_MODELS};

/** One inside the first window, one past it, the last. */
const POSITIONS = [6, 40, 79];
/** Sums in float32 differ between processors by about this much: not worth a changed file. */
const SAME = 2e-6;

const folder = fileURLToPath(new URL('../fixtures/golden/', import.meta.url));

export async function writeGolden({shape, type, seed}, bytes, tokens, logits, suppressed) {
  const file = `${folder}${shape}.json`;
  const golden = {
    shape,
    type,
    seed,
    sha256: await sha256(bytes),
    tokens,
    positions: POSITIONS,
    suppressed: [...suppressed],
    logits: POSITIONS.map((position) => Array.from(logits[position], (value) => Number(value.toPrecision(7)))),
  };
  if (existsSync(file) && isSame(JSON.parse(readFileSync(file, 'utf8')), golden)) return;
  mkdirSync(folder, {recursive: true});
  writeFileSync(file, `${JSON.stringify(golden)}\n`);
}

function isSame({logits: before, ...stored}, {logits: now, ...made}) {
  return JSON.stringify(stored) === JSON.stringify(made) && compareLogits(before, now).relativeRms < SAME;
}

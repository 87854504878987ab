// Writes test/fixtures/golden/blocks.json: random blocks of every weight type as ggml dequantizes them.
import {writeFileSync} from 'node:fs';
import {encodeValues, GOLDEN_TYPES, GOLDEN_VALUES, goldenInput} from '../fixtures/golden-blocks.ts';
import {dequantize} from './llama.mjs';

export function writeGoldenBlocks() {
  const values = Object.fromEntries(
    GOLDEN_TYPES.map((type) => [type, encodeValues(dequantize(type, goldenInput(type), GOLDEN_VALUES))]),
  );
  const file = new URL('../fixtures/golden/blocks.json', import.meta.url);
  writeFileSync(file, `${JSON.stringify(values, null, 1)}\n`);
}

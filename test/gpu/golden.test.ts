// The engine against logits that transformers gave: whole models of every shape and weight type, in prefill chunks and
// token by token, on whatever adapter there is.
import {expect} from 'chai';
import {generateModel} from '../../scripts/model-files/model.ts';
import {loadEngine} from '../../src/engine/load-engine.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {GOLDEN_MODELS, goldenError, loadGolden} from '../fixtures/golden.ts';
import {engineLogits} from '../helpers/forced-tokens.ts';
import {inBrowser, pipelinesOf, withDevice} from '../helpers/gpu.ts';

// 5e-7 to 9e-6 is seen: both add up in float32, in another order.
const TOLERANCE = 2e-5;

describe('engine beside golden logits of transformers', () => {
  // One of each architecture, and one with experts, in a browser.
  const some = ['tiny', 'moe', 'gemma3n', 'gemma3', 'gemma2', 'gemma'];
  const models = GOLDEN_MODELS.filter(({shape}) => !inBrowser || some.includes(shape));
  for (const {shape, type} of models) {
    it(
      `agrees on ${shape} in ${type}`,
      withDevice(async (device) => {
        const golden = await loadGolden(shape);
        const source = memorySource(generateModel({shape, type, seed: golden.seed}));
        const engine = await loadEngine(source, await readGguf(source), device, {
          contextLength: 128,
          pipelines: pipelinesOf(device),
        });
        try {
          const rows = await engineLogits(engine, golden.tokens);
          expect(goldenError(golden, rows)).to.be.below(TOLERANCE);
          for (const id of golden.suppressed) expect(rows[0][id], `suppressed ${id}`).to.equal(-Infinity);
        } finally {
          engine.destroy();
        }
      }),
    );
  }
});

// The float64 reference against logits that transformers gave, and the generator against the bytes it gave them for.
import {expect} from 'chai';
import {generateModel, planTensors, SHAPES, type ShapeName} from '../../scripts/model-files/model.ts';
import {WEIGHT_TYPES as ENGINE_TYPES} from '../../src/engine/kernels/weight-types.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {GOLDEN_MODELS, goldenError, loadGolden, sha256} from '../fixtures/golden.ts';
import {ReferenceModel} from '../reference/forward.ts';

// 5e-7 to 8e-6 is seen: transformers adds up in float32 (docs/conformance.md).
const TOLERANCE = 2e-5;

describe('reference model beside golden logits of transformers', () => {
  it('has golden logits of every dense shape of Gemma 4, of experts, of every architecture and with tensors of every weight type', () => {
    const architectureOf = (shape: ShapeName) => SHAPES[shape].architecture;
    const shapes = GOLDEN_MODELS.map(({shape}) => shape);
    const names = Object.keys(SHAPES) as ShapeName[];
    const hasExperts = (name: ShapeName) => 'experts' in SHAPES[name] && SHAPES[name].experts !== null;
    expect(shapes).to.include.members(names.filter((name) => architectureOf(name) === 'gemma4' && !hasExperts(name)));
    expect(shapes.some(hasExperts)).to.equal(true);
    expect(shapes.map(architectureOf)).to.include.members(names.map(architectureOf));
    const types = GOLDEN_MODELS.flatMap(({shape, type}) => planTensors(SHAPES[shape], type).map((plan) => plan.type));
    expect([...new Set<string>(types)]).to.include.members([...ENGINE_TYPES]);
  });

  for (const {shape, type} of GOLDEN_MODELS) {
    it(`agrees on ${shape} in ${type}`, async () => {
      const golden = await loadGolden(shape);
      const bytes = generateModel({shape, type, seed: golden.seed});
      expect(golden.type).to.equal(type);
      expect(await sha256(bytes), 'generated file; after a change, npm run conformance').to.equal(golden.sha256);
      const source = memorySource(bytes);
      const model = await ReferenceModel.load(source, await readGguf(source));
      expect(goldenError(golden, model.logits(golden.tokens))).to.be.below(TOLERANCE);
    });
  }
});

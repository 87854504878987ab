// What the backward graph keeps, computes again and refuses; that its gradients are right is test/gpu/training.test.ts.
import {expect} from 'chai';
import {generateModel, type ShapeName} from '../../../../scripts/model-files/model.ts';
import {type TrainingGraph, trainingGraph} from '../../../../src/engine/graph/backward.ts';
import {activationsIn, activationsOut} from '../../../../src/engine/graph/graph.ts';
import {readConfig} from '../../../../src/engine/model/config.ts';
import {graphOf} from '../../../../src/engine/model/registry.ts';
import {wantedTerms} from '../../../../src/engine/training/assemble-training.ts';
import {GemmaError} from '../../../../src/errors.ts';
import {readGguf} from '../../../../src/gguf/read-gguf.ts';
import {memorySource} from '../../../../src/store/sources/memory-source.ts';
import {PROJECTIONS, trainingOptions} from '../../../fixtures/training.ts';

async function backwardOf(shape: ShapeName, targets: readonly string[] = PROJECTIONS): Promise<TrainingGraph> {
  const config = readConfig(await readGguf(memorySource(generateModel({shape}))));
  const graph = graphOf(config);
  return trainingGraph(graph, wantedTerms(graph, {...trainingOptions({}), targets}));
}

/** Names of activations of the forward pass that are read after it. */
function keptBy({operations, backwardFrom}: TrainingGraph): string[] {
  const made = new Set(operations.slice(0, backwardFrom).flatMap(activationsOut));
  const read = new Set(operations.slice(backwardFrom).flatMap(activationsIn));
  return [...read].filter((one) => made.has(one)).map(({name}) => name);
}

describe('the backward graph', () => {
  it('keeps one stream a layer, and what other layers attend', async () => {
    const kept = keptBy(await backwardOf('gemma3'));
    // The input of each of seven layers, of the final norm and of the head.
    expect(kept.length, kept.join(', ')).to.equal(9);
    const shared = keptBy(await backwardOf('tiny'));
    // And of eight with sums of per-layer embeddings, the keys and values of the two that three others attend.
    expect(shared).to.include.members(['add', 'blk.3.rope', 'blk.3.rms_norm', 'blk.4.rope', 'blk.4.rms_norm']);
    expect(shared.length, shared.join(', ')).to.equal(15);
  });

  it('has a gradient of every factor that has an effect, once', async () => {
    const {operations, terms} = await backwardOf('tiny');
    // Layers that share have no keys and values of their own to train.
    expect(terms.map(({tensor}) => tensor))
      .to.include('blk.7.attn_q.weight')
      .and.not.include('blk.7.attn_k.weight');
    for (const kind of ['lowRankInnerBackward', 'lowRankOuterBackward']) {
      const of = operations.flatMap((one) =>
        one.kind === kind && 'term' in one.attributes ? [one.attributes.term.tensor] : [],
      );
      expect(of.toSorted(), kind).to.deep.equal(terms.map(({tensor}) => tensor).toSorted());
    }
  });

  it('stops where nothing before is trained', async () => {
    const {operations, backwardFrom} = await backwardOf('gemma3', ['ffn_down']);
    const backward = operations.slice(backwardFrom).filter(({kind}) => kind.endsWith('Backward'));
    expect(backward.some(({name}) => name.startsWith('blk.1.attn_q'))).to.equal(true);
    expect(backward.some(({name}) => /^blk\.0\.(attn|ffn_gate|ffn_up)/.test(name))).to.equal(false);
  });

  it('walks every dense model back, and names what it cannot', async () => {
    for (const shape of ['gemma', 'gemma2', 'gemma3-all-full', 'keys-as-values', 'moe', 'gemma3n'] as const) {
      const refused = await backwardOf(shape).then(
        () => null,
        (error) => error as GemmaError,
      );
      if (shape !== 'moe' && shape !== 'gemma3n') {
        expect(refused, shape).to.equal(null);
        continue;
      }
      expect(refused, shape).to.be.instanceOf(GemmaError);
      expect(refused!.code, shape).to.equal('architecture-unsupported');
      expect(refused!.message, shape).to.match(/sumExperts|altup|matchRms|gaussianTopk/);
    }
  });

  it('refuses targets that no matrix has', async () => {
    const refused = await backwardOf('gemma3', ['attn_qqq']).catch((error) => error as GemmaError);
    expect(refused).to.have.property('code', 'option-invalid');
  });
});

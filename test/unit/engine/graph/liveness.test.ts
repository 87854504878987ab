// Which activations share a buffer, checked by running graphs on buffers that remember what was written to them last.
import {expect} from 'chai';
import {GEMMA3N_PUBLISHED} from '../../../../scripts/model-files/gemma3n-published.ts';
import {GEMMA4_PUBLISHED} from '../../../../scripts/model-files/gemma4-published.ts';
import {SHAPES, type Shape} from '../../../../scripts/model-files/shapes.ts';
import {
  type Activation,
  type AnyOperation,
  activationsIn,
  activationsOut,
  checkGraph,
  type Graph,
  overwritten,
} from '../../../../src/engine/graph/graph.ts';
import {activationBytes, lifetimesOf, planActivations} from '../../../../src/engine/graph/liveness.ts';
import {dependenciesOf, stagesOf} from '../../../../src/engine/graph/stages.ts';
import {readConfig} from '../../../../src/engine/model/config.ts';
import {graphOf} from '../../../../src/engine/model/registry.ts';
import {randomGraph, shuffled} from '../../../fixtures/random-graph.ts';
import {headerOf} from '../../../helpers/dispatch-list.ts';

const SIZES = {rows: 8, outputs: 3};

/** Runs a step: its body and tail, then its head as often as there are batches of outputs. Throws at the first wrong buffer. */
function run(
  graph: Graph<AnyOperation>,
  {withOutputs = true, batches = 2, plan = planActivations(graph, SIZES)} = {},
  held = new Map<number, Activation>(),
) {
  const {sizes, bufferOf} = plan;
  const stages = stagesOf(graph);
  const execute = (operation: AnyOperation): void => {
    const replaced = new Set(overwritten(operation).map(([from]) => from));
    for (const input of activationsIn(operation)) {
      const found = held.get(bufferOf.get(input)!);
      if (found !== input) throw new Error(`${operation.name} reads ${input.name}, finds ${found?.name}`);
    }
    for (const output of activationsOut(operation)) {
      const buffer = bufferOf.get(output)!;
      if (activationBytes(output, SIZES) > sizes[buffer]) throw new Error(`${output.name} exceeds its buffer`);
      for (const input of activationsIn(operation)) {
        if (bufferOf.get(input) !== buffer || replaced.has(input)) continue;
        throw new Error(`${operation.name} reads and writes buffer ${buffer}`);
      }
      held.set(buffer, output);
    }
  };
  graph.operations.forEach((operation, i) => {
    if (stages[i] === 'body' || withOutputs) execute(operation);
  });
  for (let batch = 1; withOutputs && batch < batches; batch++) {
    graph.operations.forEach((operation, i) => {
      if (stages[i] === 'head') execute(operation);
    });
  }
  if (withOutputs) expect(held.get(bufferOf.get(graph.logits)!)).to.equal(graph.logits);
  return held;
}

describe('planActivations', () => {
  it('never overwrites what is still read, in 150 random graphs and in another order of each', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const graph = checkGraph(randomGraph(seed, 5 + (seed % 60)));
      for (const one of [graph, checkGraph(shuffled(graph, dependenciesOf(graph), seed))]) {
        // A step without outputs in between leaves out what only leads to logits.
        run(one, {withOutputs: false}, run(one));
        run(one);
      }
    }
  });

  it('is found out by this test when it puts two that are alive together into one buffer', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const graph = randomGraph(seed, 30);
      const plan = planActivations(graph, SIZES);
      const lifetimes = [...lifetimesOf(graph)];
      const [a, b] = lifetimes.flatMap(([one, {first, last}]) =>
        lifetimes
          .filter(([other, life]) => other !== one && life.first > first && life.first < last && life.last > life.first)
          .map(([other]) => [one, other]),
      )[0];
      const wrong = new Map(plan.bufferOf).set(b, plan.bufferOf.get(a)!);
      expect(
        () => run(graph, {plan: {sizes: plan.sizes.map(() => 2 ** 20), bufferOf: wrong}}),
        `seed ${seed}`,
      ).to.throw(/reads/);
    }
  });

  it('holds for every model of the conformance matrix', () => {
    for (const shape of Object.values<Shape>(SHAPES)) {
      const graph = graphOf(readConfig(headerOf(shape, 'mixed')));
      run(graph, {withOutputs: false}, run(graph));
    }
  });

  // Chunks of 64 rows, logits of 8 rows at once. Before buffers were planned, E2B's activations took 47 MiB.
  for (const [name, shape] of [
    ['Gemma 4 E2B', GEMMA4_PUBLISHED.e2b],
    ['Gemma 3n E2B', GEMMA3N_PUBLISHED.e2b],
  ] as const) {
    it(`gives ${name} at most 18 MiB`, () => {
      const graph = graphOf(readConfig(headerOf(shape, 'Q4_0')));
      const {sizes} = planActivations(graph, {rows: 64, outputs: 8});
      const total = sizes.reduce((sum, bytes) => sum + bytes);
      expect(total).to.be.at.most(18 * 2 ** 20);
      // The logits and the feed-forward's three activations are alive together with nothing less.
      expect(total).to.be.at.least(8 * 2 ** 20 + 4 * 64 * 3 * 6144);
    });
  }
});

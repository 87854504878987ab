// What a step may leave out, and what an operation waits for: derived from a graph, on graphs small enough to see.
import {expect} from 'chai';
import {SHAPES} from '../../../../scripts/model-files/shapes.ts';
import {buildGraph, type GraphBuilder} from '../../../../src/engine/graph/builder.ts';
import {type Activation, activationsOut, checkGraph} from '../../../../src/engine/graph/graph.ts';
import {overOutputRows} from '../../../../src/engine/graph/output-tail.ts';
import {dependenciesOf, stagesOf} from '../../../../src/engine/graph/stages.ts';
import {readConfig} from '../../../../src/engine/model/config.ts';
import {graphOf} from '../../../../src/engine/model/registry.ts';
import {headerOf} from '../../../helpers/dispatch-list.ts';

const tensors = new Map([
  ['token_embd.weight', {shape: [8, 10]}],
  ['blk.0.attn_q.weight', {shape: [8, 4]}],
  ['blk.0.attn_k.weight', {shape: [8, 4]}],
]);
const layer = {index: 0, sliding: false, nHeadKv: 1, headDim: 4};
const ATTENTION = {nHead: 1, nHeadKv: 1, headDim: 4, window: 0, scale: 1, softcap: 0};
const build = (write: (g: GraphBuilder) => Activation) => buildGraph({normEps: 1e-6, tensors}, write);

/** Queries, keys that serve as values, and a head on what was attended. */
const small = () =>
  build((model) => {
    const g = model.block(0);
    const w = g.weights<'attn_q' | 'attn_k'>();
    const h = model.getRows(model.weights<'token_embd'>().token_embd, 1);
    const q = g.linear(w.attn_q, h);
    const cache = g.cache(layer);
    const k = g.linear(w.attn_k, h);
    g.kvWrite(k, cache.keys);
    g.kvWrite(k, cache.values);
    return model.softcap(model.selectOutputs(g.attention(q, cache, ATTENTION)), 30);
  });

describe('stagesOf', () => {
  it('needs for every step what leads to keys and values, the rest for logits alone', () => {
    const graph = small();
    const stages = stagesOf(graph);
    expect(graph.operations.map(({name, kind}, i) => `${name} ${kind} ${stages[i]}`)).to.deep.equal([
      'token_embd getRows body',
      'blk.0.attn_q linear tail',
      'blk.0.attn_k linear body',
      'blk.0.keys kvWrite body',
      'blk.0.values kvWrite body',
      'blk.0.attention attention tail',
      'output_rows selectOutputs head',
      'softcap softcap head',
    ]);
  });

  it('leaves out all layers after the last that writes keys and values', () => {
    // Layers 5, 6 and 7 of this shape read the keys and values of 3 and 4.
    const graph = graphOf(readConfig(headerOf(SHAPES.tiny, 'F32')));
    const stages = stagesOf(graph);
    graph.operations.forEach(({name}, i) => {
      const block = Number(/^blk\.(\d+)/.exec(name)?.[1]);
      if (block >= 5) expect(stages[i], name).to.equal('tail');
      if (block < 4) expect(stages[i], name).to.equal('body');
    });
  });
});

describe('overOutputRows', () => {
  it('selects what the tail reads once, runs all of it over the output rows, and leaves out the selection before the head', () => {
    const {operations, logits} = overOutputRows(small());
    expect(operations.map(({name, kind}) => `${name} ${kind}`)).to.deep.equal([
      'token_embd getRows',
      'blk.0.attn_k linear',
      'blk.0.keys kvWrite',
      'blk.0.values kvWrite',
      'token_embd selectOutputs',
      'blk.0.attn_q linear',
      'blk.0.attention attention',
      'softcap softcap',
    ]);
    expect(logits.over).to.equal('outputs');
  });

  it('computes the same operations on tensors of the same widths in every model of the matrix', () => {
    for (const [name, shape] of Object.entries(SHAPES)) {
      const graph = graphOf(readConfig(headerOf(shape, 'mixed')));
      const cut = overOutputRows(graph);
      const list = ({operations}: typeof graph) =>
        operations
          .filter(({kind}) => kind !== 'selectOutputs')
          .map(
            (operation) => `${operation.kind} ${operation.name} ${activationsOut(operation).map(({width}) => width)}`,
          )
          .sort();
      expect(list(cut), name).to.deep.equal(list(graph));
      expect(new Set(stagesOf(cut)), name).to.deep.equal(new Set(['body', 'head']));
    }
  });
});

describe('dependenciesOf', () => {
  it('orders reads and writes of caches, and reads before what overwrites', () => {
    const graph = small();
    const needs = dependenciesOf(graph).map((set) => [...set].sort());
    expect(needs).to.deep.equal([[], [0], [0], [2], [2], [1, 3, 4], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6]]);
    const {operations, logits} = graph;
    const softcap = operations[7];
    const picked = activationsOut(operations[6])[0];
    const reader = {kind: 'reader', name: 'reader', inputs: {picked}, outputs: {y: {...picked, id: -1, name: 'read'}}};
    const both = {operations: [...operations.slice(0, 7), reader, softcap], logits};
    expect(dependenciesOf(both)[8]).to.include(7);
  });
});

describe('checkGraph', () => {
  const {operations, logits} = small();
  const picked = activationsOut(operations[6])[0];

  it('refuses what reads something that is not made yet, is made twice, or was overwritten', () => {
    const [first, second, ...rest] = operations;
    expect(() => checkGraph({operations: [second, first, ...rest], logits})).to.throw(/token_embd is not made/);
    expect(() => checkGraph({operations: [first, first, second, ...rest], logits})).to.throw(
      /token_embd is made twice/,
    );
    const late = {kind: 'late', name: 'late', inputs: {picked}, outputs: {y: {...picked, id: -1, name: 'late'}}};
    const rows = {...late, outputs: {y: {...picked, over: 'rows' as const}}};
    expect(() => checkGraph({operations: [...operations, rows], logits})).to.throw(/late: it comes after the head/);
    expect(() => checkGraph({operations: [...operations, late], logits})).to.throw(/late: output_rows is gone/);
    expect(() => checkGraph({operations: operations.slice(0, 7), logits})).to.throw(/makes no logits/);
  });

  it('refuses widths that do not fit, naming the weight', () => {
    const wrong = () =>
      build((model) => {
        const w = model.block(0).weights<'attn_q' | 'attn_k'>();
        const h = model.getRows(model.weights<'token_embd'>().token_embd, 1);
        return model.block(0).linear(w.attn_k, model.block(0).linear(w.attn_q, h));
      });
    expect(wrong).to.throw(/blk\.0\.attn_k: blk\.0\.attn_q has width 4, expected 8/);
  });
});

// Headers of the published sizes, without a tokenizer and without data: what they are read as, and that every one of them
// can be laid out at WebGPU's guaranteed limits.
import {expect} from 'chai';
import {GEMMA4_PUBLISHED} from '../../../../scripts/model-files/gemma4-published.ts';
import {planMemory} from '../../../../src/engine/memory/memory-plan.ts';
import {readConfig} from '../../../../src/engine/model/config.ts';
import type {Gemma4Config} from '../../../../src/engine/model/gemma4/config.ts';
import {headerOf} from '../../../helpers/dispatch-list.ts';

const GUARANTEED = {maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27};
const ANY_MEMORY = {memoryBudget: 2 ** 40, contextLength: 4096};

type Name = keyof typeof GEMMA4_PUBLISHED;

const configOf = (name: Name) => readConfig(headerOf(GEMMA4_PUBLISHED[name], 'Q4_0')) as Gemma4Config;

const parametersOf = ({tensors}: Gemma4Config): number =>
  [...tensors.values()].reduce((sum, {shape}) => sum + shape.reduce((product, n) => product * n, 1), 0);

describe('the published sizes of Gemma 4', () => {
  // Parameters in billions: what the models are named for, E2B and E4B with their per-layer embeddings.
  for (const [name, billions] of [
    ['e2b', 4.6],
    ['e4b', 7.5],
    ['12b', 11.9],
    ['26b-a4b', 25.2],
    ['31b', 30.7],
  ] as const) {
    it(`reads ${name}, of ${billions} billion parameters, and lays it out at the guaranteed limits`, () => {
      const config = configOf(name);
      expect(parametersOf(config) / 1e9).to.be.closeTo(billions, 0.05);
      expect(config.layers.at(-1)!.sliding, 'the last layer').to.equal(false);
      const {gpu, largestBuffer} = planMemory(config, GUARANTEED, ANY_MEMORY);
      expect(largestBuffer).to.be.at.most(GUARANTEED.maxStorageBufferBindingSize);
      const stored = [...config.tensors.values()].reduce((sum, {byteLength}) => sum + byteLength, 0);
      expect(gpu.weights / stored).to.be.closeTo(1, 0.01);
    });
  }

  it('shares keys and values in the small ones as llama.cpp does', () => {
    expect(configOf('e2b').layers[15].kvSource).to.equal(13);
    expect(configOf('e2b').layers[34].kvSource).to.equal(14);
    expect(configOf('e4b').layers[24].kvSource).to.equal(22);
    expect(configOf('e4b').layers[41].kvSource).to.equal(23);
  });

  it('takes keys for values in the full layers of the large ones, and there only', () => {
    for (const name of ['12b', '26b-a4b', '31b'] as const) {
      const {layers} = configOf(name);
      expect(
        layers.every(({valuesFromKeys, sliding}) => valuesFromKeys === !sliding),
        name,
      ).to.equal(true);
    }
    expect(configOf('e2b').layers.some(({valuesFromKeys}) => valuesFromKeys)).to.equal(false);
  });

  it('has eight of 128 experts in every layer of 26B-A4B, and in no other size', () => {
    const {layers} = configOf('26b-a4b');
    for (const {experts} of layers) expect(experts).to.include({count: 128, topK: 8, nFf: 704, fused: true});
    expect(configOf('31b').layers.every(({experts}) => experts === null)).to.equal(true);
  });
});

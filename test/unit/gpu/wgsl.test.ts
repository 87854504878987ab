// What is read out of shaders instead of being repeated: constants and structs, and how steps and rows are packed by them.
import {expect} from 'chai';
import structs from '../../../shaders/lib/step.wgsl';
import {packRow, packRows, packStep} from '../../../src/engine/step-data.ts';
import {constantIn, structFields} from '../../../src/gpu/wgsl.ts';

describe('reading WGSL', () => {
  it('finds constants of every spelling, and says which it does not find', () => {
    const shader = 'const A = 16u; // const B = 1u;\nconst C: f32 = -2.5;\nconst D = A * 2u;\nconst AB = 3;';
    expect(['A', 'C', 'AB'].map((name) => constantIn(shader, name))).to.deep.equal([16, -2.5, 3]);
    for (const name of ['D', 'E']) expect(() => constantIn(shader, name)).to.throw(`no literal constant ${name}`);
  });

  it('gives the members of a struct in order, and refuses what is no number', () => {
    const shader = 'struct Shape { A: u32, // first\n B: f32,\n}\nstruct Other { v: vec2u }';
    expect(structFields(shader, 'Shape').map(({name, type}) => `${name} ${type}`)).to.deep.equal(['A u32', 'B f32']);
    expect(() => structFields(shader, 'Other')).to.throw(/v: vec2u/);
    expect(() => structFields(shader, 'None')).to.throw(/no struct None/);
  });
});

describe('step data', () => {
  it('is laid out as the shaders read it', () => {
    const names = (struct: string) => structFields(structs, struct).map(({name}) => name);
    expect(names('Row')).to.deep.equal(['token', 'position', 'page_table', 'last', 'adapters']);
    expect([...packRows([{token: 7, position: 8, pageTable: 9}, {position: 1}])]).to.deep.equal([
      7, 8, 9, 8, 0, 0, 1, 0, 1, 0,
    ]);
    expect([...packRows([{position: 1, last: 6, adapters: 2}])]).to.deep.equal([0, 1, 0, 6, 2]);
    expect(names('Step').slice(0, 3)).to.deep.equal(['n_rows', 'n_outputs', 'n_decode']);
    expect([...packStep({nRows: 5, nOutputs: 2, nDecode: 1})]).to.deep.equal([5, 2, 1, 0]);
    expect([...packStep({nRows: 5})]).to.deep.equal([5, 5, 0, 0]);
  });

  it('is written over what was there', () => {
    const words = new Uint32Array(10).fill(99);
    packRow(words, 1, {token: 1});
    expect([...words.subarray(5)]).to.deep.equal([1, 0, 0, 0, 0]);
  });
});

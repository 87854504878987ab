// What `npm run layers` refuses inside a folder: files that import each other, however long the way round.
import {expect} from 'chai';
// @ts-expect-error: a script without types
import {importCircles} from '../../../scripts/lib/import-circles.mjs';

const circlesOf = (imports: Record<string, string[]>): string[][] => importCircles(new Map(Object.entries(imports)));

describe('importCircles', () => {
  it('finds none where imports only go one way', () => {
    expect(circlesOf({a: ['b', 'c'], b: ['d'], c: ['d'], d: ['elsewhere']})).to.deep.equal([]);
  });

  it('finds each circle once, short ones and long ones, and what imports itself', () => {
    const found = circlesOf({a: ['b'], b: ['a', 'c'], c: ['d'], d: ['e'], e: ['c'], f: ['f', 'a'], g: ['a']});
    expect(found.sort()).to.deep.equal([['a', 'b'], ['c', 'd', 'e'], ['f']]);
  });
});

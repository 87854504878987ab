import {expect} from 'chai';
import {judgeSchemas} from '../../helpers/judge-schemas.ts';

describe('grammar: random schemas', () => {
  // `npm run schemas` does the same for 10,000.
  it('have only answers that ajv calls valid', () => {
    const {answers, refused, wrong} = judgeSchemas(1, 30, 2);
    expect(wrong).to.deep.equal([]);
    expect(answers).to.be.above(45);
    expect(Object.values(refused).reduce((sum, n) => sum + n, 0)).to.be.below(4);
  });
});

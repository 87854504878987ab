import {readFileSync} from 'node:fs';
import {expect} from 'chai';
import {ERROR_CODES} from '../../../src/errors.ts';

describe('docs/errors.md', () => {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const sections = new Map(
    text
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.split('\n', 1)[0], section]),
  );

  it('has a section for every code and for nothing else', () => {
    expect([...sections.keys()].sort()).to.deep.equal([...ERROR_CODES].sort());
  });

  for (const code of ERROR_CODES) {
    it(`says what ${code} means and what visitor and site owner can do`, () => {
      const [, meaning, ...advice] = (sections.get(code) ?? '').split('\n');
      expect(meaning).to.match(/^[A-Z`]\S* /);
      expect(advice.filter((line) => /^- Visitor: \S|^- Site owner: \S/.test(line))).to.have.length(2);
    });
  }
});

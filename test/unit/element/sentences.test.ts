import {expect} from 'chai';
import {SentenceReader} from '../../../src/element/page/sentences.ts';

/** What is read of a text that comes `size` characters at a time, and at its end. */
function readIn(text: string, size: number): {before: string[]; rest: string[]} {
  const reader = new SentenceReader();
  const before: string[] = [];
  for (let end = size; end < text.length + size; end += size) before.push(...reader.next(text.slice(0, end)));
  return {before, rest: reader.rest(text)};
}

describe('SentenceReader', () => {
  it('gives each sentence once it has ended, and the last at the end', () => {
    const text = 'One day. Two of them? The third';
    for (const size of [1, 5, 40]) {
      expect(readIn(text, size)).to.deep.equal({before: ['One day.', 'Two of them?'], rest: ['The third']});
    }
  });

  it('reads a sentence without end in parts, between words', () => {
    const words = Array.from({length: 900}, (_, i) => `word${i}`);
    const {before, rest} = readIn(words.join(' '), 7);
    expect([...before, ...rest].join(' ')).to.equal(words.join(' '));
    expect(before.length).to.be.above(4);
    for (const part of [...before, ...rest]) expect(part.length).to.be.at.most(1000);
  });

  it('cuts what has no spaces, never through a character', () => {
    const text = `a${'😀'.repeat(3000)}`;
    for (const size of [2, 999, 10_000]) {
      const {before, rest} = readIn(text, size);
      expect([...before, ...rest].join('')).to.equal(text);
      for (const part of before) expect(part).not.to.match(/[\ud800-\udbff]$|^[\udc00-\udfff]/);
    }
  });

  it('looks through no more of a long text than of a short one', () => {
    const lengths: number[] = [];
    const {segment} = Intl.Segmenter.prototype;
    Intl.Segmenter.prototype.segment = function (this: Intl.Segmenter, text: string) {
      lengths.push(text.length);
      return segment.call(this, text);
    };
    try {
      readIn('x'.repeat(20_000), 10);
    } finally {
      Intl.Segmenter.prototype.segment = segment;
    }
    expect(lengths).to.have.length(2000);
    expect(Math.max(...lengths)).to.be.at.most(1010);
  });
});

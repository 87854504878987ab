import {expect} from 'chai';
import {orderedParts, partUrls} from '../../../src/store/model-parts.ts';

const of = (no: number, count = 3) => `m-0000${no}-of-0000${count}.gguf`;

describe('the files of a split model', () => {
  it('are beside the one that was named, with the same query', () => {
    expect(partUrls(`https://a.example/x/${of(1)}?token=s#top`)).to.deep.equal(
      [1, 2, 3].map((no) => `https://a.example/x/${of(no)}?token=s#top`),
    );
    // Any of them names them all.
    expect(partUrls(`https://a.example/${of(2)}`)).to.have.lengthOf(3);
  });

  for (const url of ['https://a.example/m.gguf', 'https://a.example/m-00004-of-00003.gguf', 'blob:x', 'no url']) {
    it(`are one where the name is no part's: ${url}`, () => {
      expect(partUrls(url)).to.deep.equal([url]);
    });
  }

  it('are not asked for by the ten thousand', () => {
    expect(() => partUrls('https://a.example/m-00001-of-99999.gguf')).to.throw(/99999 files/);
  });

  it('are put in order however they were chosen', () => {
    const files = [of(3), of(1), of(2)].map((name) => ({name}));
    expect(orderedParts(files).map(({name}) => name)).to.deep.equal([of(1), of(2), of(3)]);
    expect(orderedParts([{name: 'alone.gguf'}])).to.deep.equal([{name: 'alone.gguf'}]);
  });

  for (const [title, names, message] of [
    ['one that is missing', [of(1), of(3)], /m-00002-of-00003\.gguf is missing/],
    ['one alone', [of(1)], /00002-of-00003\.gguf is missing, and 1 more/],
    ['files of two models', [of(1), of(2), of(3), 'other.gguf'], /files of other models/],
    ['several whole models', ['a.gguf', 'b.gguf'], /Choose one model/],
  ] as const) {
    it(`are refused with ${title}`, () => {
      expect(() => orderedParts(names.map((name) => ({name})))).to.throw(message);
    });
  }
});

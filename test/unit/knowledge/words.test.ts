import {expect} from 'chai';
import {baseLanguage, MAX_TERM, Words} from '../../../src/knowledge/terms.ts';
import {countWords} from '../../../src/knowledge/words.ts';

describe('Words', () => {
  it('makes the same term of the forms of a word, by the language', async () => {
    const english = await Words.of('en');
    expect(english.terms('Deleting deleted DELETES')).to.deep.equal(['delet', 'delet', 'delet']);
    const german = await Words.of('de');
    expect(new Set(german.terms('Häuser Häusern')).size).to.equal(1);
    const russian = await Words.of('ru');
    expect(new Set(russian.terms('книги книга книгу')).size).to.equal(1);
  });

  it('leaves accents of Latin letters out and keeps the marks of other scripts', async () => {
    const none = await Words.of('xx');
    expect(none.terms('café Ünïcode')).to.deep.equal(['cafe', 'unicode']);
    expect(none.terms('हिन्दी')).to.deep.equal(['हिन्दी']);
  });

  it('cuts scripts without spaces into pairs, and keeps the words between', async () => {
    const chinese = await Words.of('zh');
    expect(chinese.terms('删除Git分支')).to.deep.equal(['删除', 'git', '分支']);
    expect(chinese.terms('删除分支')).to.deep.equal(['删除', '除分', '分支']);
    expect(await Words.of('th').then((thai) => thai.terms('ลบ'))).to.deep.equal(['ลบ']);
  });

  it('takes names apart where their parts end, and numbers whole', async () => {
    const english = await Words.of('en');
    expect(english.terms('os.path.join(a_b) 3.11 don’t')).to.deep.equal([
      'os',
      'path',
      'join',
      'a',
      'b',
      '3',
      '11',
      'don',
    ]);
  });

  it('asks for words that say something, and for all where there are no others', async () => {
    const english = await Words.of('en');
    const asked = (question: string) => english.questionTerms(question).map(({term}) => term);
    expect(asked('How do I undo the last commit before pushing? undo!')).to.deep.equal([
      'undo',
      'last',
      'commit',
      'befor',
      'push',
    ]);
    expect(asked('what is this')).to.deep.equal(['what', 'is', 'thi']);
  });

  it('stays bounded on a text that is no language', async () => {
    const english = await Words.of('en');
    expect(english.terms('x'.repeat(1e6))).to.deep.equal([]);
    for (const term of english.terms('ﷺ'.repeat(100))) expect(term.length).to.be.at.most(MAX_TERM);
    expect(countWords('a'.repeat(1e6))).to.equal(1);
  });

  it('finds the language of a tag', () => {
    expect(['pt-BR', ' EN_us', 'x', '', null, 'klingon'].map(baseLanguage)).to.deep.equal(['pt', 'en', '', '', '', '']);
  });
});

import {expect} from 'chai';
import {StopStrings} from '../../../src/chat/stop-strings.ts';

/** The text up to the stop, and the stop, of a text that arrives in these pieces. */
function run(pieces: readonly string[], stops: readonly string[]): {text: string; stop: string | null} {
  const matcher = new StopStrings(stops);
  let text = '';
  for (const piece of pieces) {
    const result = matcher.push(piece);
    text += result.text;
    if (result.stop !== null) return {text, stop: result.stop};
  }
  return {text: text + matcher.flush(), stop: null};
}

/** Every way of cutting a text into two pieces and into three, and character by character. */
function* splits(text: string): Iterable<string[]> {
  for (let i = 0; i <= text.length; i++) {
    for (let j = i; j <= text.length; j++) yield [text.slice(0, i), text.slice(i, j), text.slice(j)];
  }
  yield [...text];
}

describe('stop strings', () => {
  const cases: [name: string, text: string, stops: string[], shown: string, stop: string | null][] = [
    ['one in the middle', 'Hello END world', ['END'], 'Hello ', 'END'],
    ['one at the start', 'END', ['END'], '', 'END'],
    ['none', 'Hello world', ['END'], 'Hello world', null],
    ['no stop strings', 'Hello', [], 'Hello', null],
    ['an empty stop string, which is ignored', 'Hello', [''], 'Hello', null],
    ['a beginning that comes to nothing', 'ENE END', ['END'], 'ENE ', 'END'],
    ['a beginning at the very end', 'Hello EN', ['END'], 'Hello EN', null],
    ['a false start inside a true one', 'aaab', ['aab'], 'a', 'aab'],
    ['a stop string that repeats itself', 'xababac', ['ababac'], 'x', 'ababac'],
    ['one stop that begins another: the shorter is complete first', 'xabc', ['abc', 'ab'], 'x', 'ab'],
    ['one stop inside another: the inner is complete first', 'xabcd', ['abcd', 'bc'], 'xa', 'bc'],
    ['two that end together: the longer', 'xabc', ['bc', 'abc'], 'x', 'abc'],
    ['newlines', 'one\n\ntwo', ['\n\n'], 'one', '\n\n'],
    ['characters outside the BMP', 'a👍🏽b', ['🏽b'], 'a👍', '🏽b'],
  ];
  for (const [name, text, stops, shown, stop] of cases) {
    it(`ends the same for every split: ${name}`, () => {
      for (const pieces of splits(text))
        expect(run(pieces, stops), pieces.join('|')).to.deep.equal({text: shown, stop});
    });
  }

  it('holds back no more than the beginning of a stop string', () => {
    const matcher = new StopStrings(['END']);
    expect(matcher.push('Hello E')).to.deep.equal({text: 'Hello ', stop: null});
    expect(matcher.push('N')).to.deep.equal({text: '', stop: null});
    expect(matcher.push('X')).to.deep.equal({text: 'ENX', stop: null});
  });

  it('says whether a text would stop it, and goes on as before', () => {
    const matcher = new StopStrings(['END']);
    expect(matcher.push('E')).to.deep.equal({text: '', stop: null});
    expect([matcher.wouldStop('ND'), matcher.wouldStop('N'), matcher.wouldStop('ND')]).to.deep.equal([
      true,
      false,
      true,
    ]);
    expect(matcher.push('ND')).to.deep.equal({text: '', stop: 'END'});
  });

  it('takes time in proportion to the text, however long a stop string repeats itself', () => {
    const matcher = new StopStrings(Array.from({length: 16}, (_, i) => `${'a'.repeat(100_000 + i)}b`));
    const start = performance.now();
    for (let i = 0; i < 50_000; i++) matcher.push('a');
    expect(performance.now() - start).to.be.below(5000); // hours if each push looked at all that is held
    expect(matcher.flush()).to.have.length(50_000);
  });

  it('does not show what comes after the stop in the same piece', () => {
    expect(new StopStrings(['.']).push('a.b.c')).to.deep.equal({text: 'a', stop: '.'});
  });
});

import {expect} from 'chai';
import {plainText} from '../../../../src/element/markdown/plain-text.ts';
import {MarkdownStream} from '../../../../src/element/markdown/stream.ts';
import {lex} from '../../../../src/element/markdown/tokens.ts';
import {complete} from '../../../../src/element/markdown/unfinished.ts';
import {SAMPLES} from './samples.ts';

const whole = (text: string) => {
  // As the stream does: a definition anywhere concerns the whole.
  const source = text.replace(/\r\n/g, '\n');
  return lex(source, lex(source).links).tokens.filter(({type}) => type !== 'space');
};
const tokens = (stream: MarkdownStream, text: string, finished: boolean) =>
  stream.update(text, finished).map(({token}) => token);

describe('Markdown that grows', () => {
  for (const [name, text] of Object.entries(SAMPLES)) {
    it(`ends as if it had come at once: ${name}`, () => {
      const stream = new MarkdownStream();
      for (let n = 1; n <= text.length; n++) stream.update(text.slice(0, n), false);
      expect(tokens(stream, text, true)).to.deep.equal(whole(text));
    });
  }

  it('ends the same in pieces of any length, with one document after another', () => {
    const text = Object.values(SAMPLES).join('\n\n');
    for (const length of [7, 64, 501]) {
      const stream = new MarkdownStream();
      for (let n = length; n < text.length; n += length) stream.update(text.slice(0, n), false);
      expect(tokens(stream, text, true), String(length)).to.deep.equal(whole(text));
    }
  });

  it('hands out a finished block as the same object, and parses only the end', () => {
    const stream = new MarkdownStream();
    const text = Array.from({length: 50}, (_, i) => `Paragraph ${i} with **bold**.`).join('\n\n');
    const before = stream.update(text, false);
    const after = stream.update(`${text}\n\nMore`, false);
    expect(after).to.have.lengthOf(51);
    for (let i = 0; i < 49; i++) expect(after[i]).to.equal(before[i]);
    expect(after.map(({key}) => key).slice(0, 50)).to.deep.equal(before.map(({key}) => key));
    expect(after.map(({open}) => open).lastIndexOf(false)).to.equal(49);
  });

  it('begins anew where the text is another', () => {
    const stream = new MarkdownStream();
    stream.update('# One\n\ntwo\n\nthree\n\nfour', false);
    expect(tokens(stream, 'Two', true)).to.deep.equal(whole('Two'));
  });

  it('survives what is nested deeper than any stack', () => {
    for (const mark of ['>', '- ', '*a ', '[', '![', '`', '$', '<', '|', '\\(', '&']) {
      const text = mark.repeat(2000);
      expect(() => new MarkdownStream().update(text, false), mark).not.to.throw();
      expect(() => new MarkdownStream().update(text, true), mark).not.to.throw();
    }
  });
});

describe('the end of unfinished Markdown', () => {
  // Text that only grows does not flicker. What a reader sees of a beginning is the beginning of what they see later.
  // Held back are marks whose meaning is open, so nothing has to be taken back, with the exceptions below.
  const EXCEPTIONS: Record<string, string> = {
    'bracketed text': 'brackets that turn out to be no link come back',
    definitions: 'what stands in brackets may turn out to define a link',
    table: 'an empty cell gives its comma to the plain text',
    html: 'plain text has no paragraphs of its own for lines of one',
    entities: 'a name that is none comes back',
    math: 'a price that looked like mathematics comes back',
  };
  for (const [name, text] of Object.entries(SAMPLES)) {
    if (EXCEPTIONS[name]) continue;
    it(`only ever grows: ${name}`, () => {
      let last = '';
      for (let n = 1; n <= text.length; n++) {
        const {links} = lex(text);
        const shown = plainText(complete(text.slice(0, n).replace(/\r\n?/g, '\n')), links).replace(/\s+/g, ' ');
        expect(shown.startsWith(last), `${JSON.stringify(last)} → ${JSON.stringify(shown)}`).to.equal(true);
        last = shown;
      }
    });
  }

  const cases: [string, string][] = [
    ['a **bol', 'a **bol**'],
    ['a **bold ', 'a **bold**'],
    ['a **bold*', 'a **bold**'],
    ['a **', 'a'],
    ['*a **b', '*a **b***'],
    ['`cod', '`cod`'],
    ['`` a` b', '`` a` b``'],
    ['a `', 'a'],
    ['~~go', '~~go~~'],
    ['[tex', '[tex](x:)'],
    ['[text](http://a', '[text](x:)'],
    ['**[te*x', '**[te*x*](x:)**'],
    ['![al', '![al](x:)'],
    ['a snake_case_na', 'a snake_case_na'],
    ['2 * 3 and 4 * 5', '2 * 3 and 4 * 5'],
    ['arr[i', 'arr[i'],
    ['text\n--', 'text'],
    ['text\n#', 'text'],
    ['- ', '- '],
    ['- a\n- [', '- a\n- '],
    ['a **b\n', 'a **b**'],
    ['```\na\n\nx **y\n```\n', '```\na\n\nx **y\n```'],
    ['a\n\n    x ** y', 'a\n\n    x ** y'],
    ['x\n\n| a | b', 'x\n\n| a | b |\n|-|-|'],
    ['| a | b |\n|--', '| a | b |\n|-|-|'],
    ['| a |\n|-|\n| **b', '| a |\n|-|\n| **b**'],
    ['```p', '```'],
    ['```py\nx\n``', '```py\nx'],
    ['```py\na **b', '```py\na **b'],
    ['<https://a.ex', '<https://a.ex>'],
    ['A &am', 'A'],
    ['one<b', 'one'],
    ['is $x^', 'is'],
    ['it costs $5 to', 'it costs $5 to'],
    ['sure!', 'sure'],
  ];
  for (const [text, expected] of cases) {
    it(`completes ${JSON.stringify(text)}`, () => {
      expect(complete(text)).to.equal(expected);
    });
  }
});

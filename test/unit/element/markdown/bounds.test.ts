import {expect} from 'chai';
import {seededRandom} from '../../../../scripts/model-files/random.ts';
import {colourCode, LANGUAGES} from '../../../../src/element/markdown/colours.ts';
import {MarkdownStream} from '../../../../src/element/markdown/stream.ts';
import {lex} from '../../../../src/element/markdown/tokens.ts';
import {complete} from '../../../../src/element/markdown/unfinished.ts';
import {cpu, ONCE, shape} from '../../../helpers/cpu-time.ts';

/** What has a meaning in Markdown, in formulas or in code, and what may stand around it. */
const MARKS = [
  ...[
    '*',
    '**',
    '_',
    '~~',
    '`',
    '``',
    '```',
    '$',
    '$$',
    '\\(',
    '\\)',
    '\\[',
    '\\]',
    '[',
    ']',
    '(',
    ')',
    '](',
    '![',
    '<',
    '>',
  ],
  ...[
    '<a:',
    '<br',
    '&',
    '&amp;',
    '|',
    '|-',
    '\n',
    '\n\n',
    '\n- ',
    '\n  - ',
    '\n> ',
    '\n1. ',
    '# ',
    '===',
    '\n---\n',
    ' ',
    '  ',
  ],
  ...[
    '    ',
    'a',
    'b1',
    ':',
    'http://a',
    'www.a',
    'a@b.c',
    '\\',
    '"',
    '!',
    '{',
    '}',
    '中',
    '，',
    '\t',
    'x ',
    '[a]: b\n',
    '~',
    '=',
  ],
];
const CODE_MARKS = [
  ...[
    '"',
    "'",
    '`',
    '/',
    '//',
    '/*',
    '<',
    '>',
    '</',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '<a ',
    '=',
    ':',
    ';',
    ',',
    '.',
    '#',
    '@',
    '$',
  ],
  ...[
    '${',
    '%',
    '&',
    '|',
    '!',
    '?',
    '\\',
    '-',
    '0',
    '1e',
    'a',
    'ab ',
    'A',
    '_',
    'class ',
    'def ',
    '=>',
    '\n',
    ' ',
    '\t',
    '"""',
    '<?',
  ],
];

describe('the time that a text takes', () => {
  // A slice that is read at once is a fourth of this; a page must not stand still for longer than 50 ms.
  it('is linear in its length, over shapes that are generated', () => {
    const next = seededRandom(7).uniform;
    const length = 16_000;
    lex(shape(next, MARKS)(length));
    for (let i = 0; i < 300; i++) {
      const make = shape(next, MARKS);
      const text = make(length);
      const whole = cpu(() => lex(text), 60);
      // What is quick may grow as it likes; what is slow must not grow faster than the text, with room for measuring.
      if (whole <= 60) continue;
      const half = cpu(() => lex(make(length / 2)));
      expect(whole, JSON.stringify(text.slice(0, 30))).to.be.below(200);
      expect(whole / half, JSON.stringify(text.slice(0, 30))).to.be.below(5);
    }
  });

  it('is as short at the open end of a text', () => {
    const next = seededRandom(8).uniform;
    for (let i = 0; i < 300; i++) {
      const text = shape(next, MARKS)(16_000);
      expect(
        cpu(() => complete(text), 50),
        JSON.stringify(text.slice(0, 30)),
      ).to.be.below(50);
    }
  });

  // What a looping model writes: 8,000 tokens without an end.
  const LOOPS = ['*a ', '~~a ', '$a ', '[a](', '`a ', '**a_b ', '- a\n  ', '> ', '|a', '[x]: y\n\n', '<a:', '\\(a '];
  for (const loop of LOOPS) {
    it(`stays bounded while ${JSON.stringify(loop)} is written for ever`, () => {
      const stream = new MarkdownStream();
      const times: number[] = [];
      let text = '';
      for (let n = 0; n < 40; n++) {
        text += loop.repeat(Math.ceil(800 / loop.length));
        times.push(cpu(() => stream.update(`${text}${loop[0]}`, false), ONCE));
      }
      times.push(cpu(() => stream.update(text, true), ONCE));
      expect(Math.max(...times)).to.be.below(150);
    });
  }

  it('does not grow with what is finished', () => {
    const paragraph = 'A paragraph of *some* length, with `code`.\n\n';
    const streamOf = (count: number) => {
      const stream = new MarkdownStream();
      let text = paragraph.repeat(count);
      for (let n = 4000; n < text.length; n += 4000) stream.update(text.slice(0, n), false);
      stream.update(text, false);
      // Each time more is there, so that none is known.
      return () => {
        for (let i = 0; i < 20; i++) {
          text += 'More ';
          stream.update(text, false);
        }
      };
    };
    const short = cpu(streamOf(20));
    expect(cpu(streamOf(2000), 20 + 2 * short)).to.be.at.most(20 + 2 * short);
  });

  it('does not grow with the cells that a table claims', () => {
    const table = `${'|'.repeat(3000)}\n${'|-'.repeat(2999)}|\n${'|\n'.repeat(3000)}`;
    expect(lex(table).tokens.map(({type}) => type)).to.deep.equal(['paragraph']);
    const usual = `|a|b|c|\n|-|-|-|\n${'|1|2|3|\n'.repeat(500)}`;
    expect(lex(usual).tokens[0].rows).to.have.lengthOf(500);
  });

  it('is bounded for colours in every language', function () {
    this.timeout(60_000);
    const next = seededRandom(9).uniform;
    for (const language of LANGUAGES) colourCode('a = 1', language);
    for (let i = 0; i < 15; i++) {
      const width = [60, 300, 990][i % 3];
      const line = shape(next, CODE_MARKS)(width).slice(0, width);
      const code = `${line}\n`.repeat(Math.floor(9900 / (line.length + 1)));
      for (const language of LANGUAGES) {
        expect(
          cpu(() => colourCode(code, language), 150),
          `${language} ${JSON.stringify(line.slice(0, 20))}`,
        ).to.be.below(150);
      }
    }
  });
});

describe('a text that is too much for Markdown', () => {
  it('is shown to its last letter', () => {
    for (const text of ['*a '.repeat(3000), `${'> '.repeat(100)}x`, 'a_b*c '.repeat(2000), `${'- '.repeat(50)}x`]) {
      const stream = new MarkdownStream();
      const blocks = stream.update(text, true);
      expect(
        blocks
          .map(({token}) => token.raw)
          .join('')
          .trim(),
        text.slice(0, 9),
      ).to.equal(text.trim());
    }
  });

  it('is cut where it stands in one block, code as code', () => {
    const list = '- An item of *this* list.\n'.repeat(2000);
    const code = `\`\`\`js\n${'const a = 1;\n'.repeat(12_000)}\`\`\`\n\nThe **end**.`;
    for (const [text, type, count] of [
      [list, 'list', 4],
      [code, 'code', 3],
    ] as const) {
      const grown = new MarkdownStream();
      for (let n = 4000; n < text.length; n += 4000) grown.update(text.slice(0, n), false);
      const blocks = grown.update(text, true).map(({token}) => token);
      const parts = blocks.filter((token) => token.type === type);
      expect(parts, type).to.have.lengthOf(count);
      if (type === 'list') expect(parts.flatMap(({items}) => items)).to.have.lengthOf(2000);
      else {
        expect(parts.every(({lang}) => lang === 'js')).to.equal(true);
        expect(parts.map((part) => part.text.trim()).join('\n')).to.equal('const a = 1;\n'.repeat(12_000).trim());
        expect(blocks.at(-1)?.tokens?.[1].type).to.equal('strong');
      }
    }
  });
});

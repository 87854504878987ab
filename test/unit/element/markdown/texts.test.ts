import {expect} from 'chai';
import {plainText} from '../../../../src/element/markdown/plain-text.ts';
import {MarkdownStream} from '../../../../src/element/markdown/stream.ts';
import {lex, type Token} from '../../../../src/element/markdown/tokens.ts';
import {complete} from '../../../../src/element/markdown/unfinished.ts';

/** Every token of `type`, wherever it stands. */
function all(tokens: readonly Token[], type: string): Token[] {
  return tokens.flatMap((token) => [
    ...(token.type === type ? [token] : []),
    ...all(token.items ?? token.tokens ?? [], type),
  ]);
}
const texts = (text: string, type: string) => all(lex(text).tokens, type).map((token) => token.text);

describe('Markdown as people write it', () => {
  it('knows bold text that ends or begins with East Asian punctuation', () => {
    expect(texts('**历经10年发展，**年', 'strong')).to.deep.equal(['历经10年发展，']);
    expect(texts('**Markdown（マークダウン）**は', 'strong')).to.deep.equal(['Markdown（マークダウン）']);
    expect(texts('안녕 **볼드(bold)**입니다', 'strong')).to.deep.equal(['볼드(bold)']);
    expect(texts('* **具体：**与其说', 'strong')).to.deep.equal(['具体：']);
    expect(texts('これは*「強調」*です', 'em')).to.deep.equal(['「強調」']);
    expect(texts('中~~文。~~字', 'del')).to.deep.equal(['文。']);
    // Not beside other letters, where it would change what everybody else reads.
    expect(texts('a**"b"**c', 'strong')).to.deep.equal([]);
  });

  it('strikes out between two tildes only', () => {
    for (const text of ['大约~12万和~510万', 'takes ~3~5 minutes', '0.3~8mm和0.3~4.5mm', '~a~ b']) {
      expect(texts(text, 'del'), text).to.deep.equal([]);
      expect(plainText(text)).to.equal(text);
      expect(complete(text)).to.equal(text);
    }
    expect(texts('~~x~~', 'del')).to.deep.equal(['x']);
  });

  it('ends an address at East Asian punctuation', () => {
    for (const [text, href] of [
      ['访问https://a.example/x，然后', 'https://a.example/x'],
      ['看（https://a.example/x）。', 'https://a.example/x'],
      ['https://a.example/x。', 'https://a.example/x'],
      ['https://a.example/x、https', 'https://a.example/x'],
      ['看 www.a.example。', 'http://www.a.example'],
      ['https://a.example/维基?q=中，', 'https://a.example/维基?q=中'],
    ]) {
      expect(all(lex(text).tokens, 'link').map((link) => link.href)).to.deep.equal([href]);
      expect(plainText(text)).to.equal(text);
    }
  });

  it('leaves footnotes as they are written', () => {
    const text = '[^1] x\n\n[^1]: Word';
    expect(all(lex(text).tokens, 'link')).to.deep.equal([]);
    expect(plainText(text)).to.equal('[^1] x\n[^1]: Word');
    expect(complete('x\n\n[^1]: Wor')).to.equal('x\n\n[^1]: Wor');
  });

  const NO_FORMULA = [
    'Set $HOME, or $PATH to $HOME.',
    'It costs $5 and $6.',
    '$20/month vs $200/month',
    'It is $5 or maybe 10$ today.',
    'US$5, A$b c$',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's variables.
    '$A:$B ${a}/${b} $(pwd):$(ls) $1/$2',
    '/opt/$app/$version/bin and C:\\$x\\$y',
    'a^\\d+$ or ^\\w+$',
    '$ x $ and $x $',
    "$('a').b($('c'))",
    'from $x\nto y$',
  ];
  it('takes dollars for formulas only where they are', () => {
    for (const text of NO_FORMULA) expect(texts(text, 'math'), text).to.deep.equal([]);
    const formulas: [string, string[]][] = [
      ['$x^2$ and $y$, or ($z$).', ['x^2', 'y', 'z']],
      ['$n \\bmod 2$ $\\text{if } x$', ['n \\bmod 2', '\\text{if } x']],
      ['\\(a\nb\\) \\(c\\) \\[d\ne\\]', ['c', 'd\ne']],
      ['a $$x$$ b', ['x']],
      ['中文$x$中文', ['x']],
      ['text\n$$\ny\n$$\nmore', ['y']],
      ['- \\[ z \\]', ['z']],
      ['it costs \\$5 or $5$', ['5']],
    ];
    for (const [text, expected] of formulas) expect(texts(text, 'math'), text).to.deep.equal(expected);
  });

  it('lets code win over formulas, wherever it begins', () => {
    for (const text of [
      '`$x` and `y$`',
      'costs $5 `a$` b',
      '$$ is the process `echo $$`',
      '\\(a `b\\)` c',
      '\\[a `b\\]` c',
    ]) {
      expect(texts(text, 'math'), text).to.deep.equal([]);
    }
    expect(texts('costs $5 `a$` b', 'codespan')).to.deep.equal(['a$']);
    expect(texts('`a` $x$ `b`', 'math')).to.deep.equal(['x']);
  });

  it('does not hold back text behind a dollar that is no formula', () => {
    const stream = new MarkdownStream();
    for (const [text, shown] of [
      ['Set $HOME to your folder', 'Set $HOME to your folder'],
      ['US$5, A$b h', 'US$5, A$b h'],
      ['it costs $5 `a', 'it costs $5 `a`'],
    ]) {
      expect(complete(text)).to.equal(shown);
      expect(stream.update(text, false)).to.have.lengthOf(1);
    }
  });
});

import {expect} from '@open-wc/testing';
import {html, render} from 'lit';
import {ENGLISH} from '../../src/element/languages/index.ts';
import {colours, mathematics} from '../../src/element/late.ts';
import {Lazy} from '../../src/element/lazy.ts';
import type {MarkdownEnvironment} from '../../src/element/markdown/environment.ts';
import {markdown, pace} from '../../src/element/markdown/markdown.ts';
import {SAMPLES} from '../unit/element/markdown/samples.ts';
import {Harness} from './harness.ts';

const ENV: MarkdownEnvironment = {language: ENGLISH, images: false, copy: () => {}};

describe('Markdown as elements', () => {
  let box: HTMLElement;
  const show = (text: string, finished = true, into = box) =>
    render(html`<div>${markdown(text, finished, ENV)}</div>`, into);
  /** Elements and text without Lit's marks. */
  const shown = (of = box) => of.innerHTML.replace(/<!--.*?-->/g, '');
  const query = (selector: string) => box.querySelector<HTMLElement>(selector)!;

  before(async () => {
    await Promise.all([colours.load(), mathematics.load()]);
    expect(colours.failed || mathematics.failed).to.equal(false);
  });
  beforeEach(() => {
    box = document.createElement('div');
  });

  it('is accessible in an answer, with everything in it', async () => {
    const chat = await Harness.ready();
    await chat.ask('Everything');
    chat.client.lastAnswer.text(Object.values(SAMPLES).join('\n\n')).end();
    await chat.settle();
    await expect(chat.el).to.be.accessible();
  });

  for (const [name, text] of Object.entries(SAMPLES)) {
    it(`ends as the same elements when it grew: ${name}`, () => {
      for (let n = 1; n <= text.length; n++) show(text.slice(0, n), false);
      show(text);
      const whole = document.createElement('div');
      show(text, true, whole);
      expect(shown()).to.equal(shown(whole));
    });
  }

  it('keeps the elements of finished blocks, and of the text that is open', () => {
    show('# One\n\nTwo\n\n- three **fo', false);
    const [one, two, list] = query('div').children;
    const strong = query('strong');
    show('# One\n\nTwo\n\n- three **four** five\n- six', false);
    expect([...query('div').children]).to.deep.equal([one, two, list]);
    expect(query('strong')).to.equal(strong);
    show('# One\n\nTwo\n\n- three **four** five\n- six\n\nseven\n\neight');
    expect([...query('div').children].slice(0, 3)).to.deep.equal([one, two, list]);
  });

  it('makes tables, task lists, headings below the page’s and lists that begin anywhere', () => {
    show('# T\n\n| a | b |\n|:-:|--:|\n| 1 | **2** |\n\n- [x] done\n- [ ] open\n\n3. three');
    expect(query('h3').textContent).to.equal('T');
    expect(
      [...box.querySelectorAll('th, td')].map(({className, textContent}) => [className, textContent]),
    ).to.deep.equal([
      ['center', 'a'],
      ['right', 'b'],
      ['center', '1'],
      ['right', '2'],
    ]);
    expect([...box.querySelectorAll('.box')].map((mark) => mark.ariaLabel)).to.deep.equal(['Done:', 'To do:']);
    expect(query('ol').getAttribute('start')).to.equal('3');
  });

  it('links to what can only be opened, in a tab of its own', () => {
    show('[a](https://a.example "t") [b](/b) [c](mailto:c@c.example) [d](javascript:x) ![e](https://e.example/e.png)');
    const links = [...box.querySelectorAll('a')].map((link) => [link.textContent, link.getAttribute('href')]);
    expect(links).to.deep.equal([
      ['a', 'https://a.example/'],
      ['b', new URL('/b', location.href).href],
      ['c', 'mailto:c@c.example'],
      ['d', null],
      ['e', 'https://e.example/e.png'],
    ]);
    expect(query('a').title).to.equal('t\nhttps://a.example/');
    expect([query('a').getAttribute('target'), query('a').getAttribute('rel')]).to.deep.equal([
      '_blank',
      'noopener noreferrer nofollow',
    ]);
  });

  it('decodes character references in text and addresses, not in code', () => {
    show(
      'A &amp; B &#8364; &copy; &#x3a9; &eacute;&Uuml;&szlig; &hellip; &nope; [l](https://l.example/?a=1&amp;b=2) `&amp;`',
    );
    expect(query('p').textContent).to.equal('A & B € © Ω éÜß … &nope; l &amp;');
    expect(query('a').getAttribute('href')).to.equal('https://l.example/?a=1&b=2');
  });

  it('colours code once it is finished, and copies it', () => {
    const copied: string[] = [];
    const env = {...ENV, copy: (text: string) => copied.push(text)};
    const draw = (text: string, finished: boolean) => render(html`<div>${markdown(text, finished, env)}</div>`, box);
    draw('```js\nconst a = "b";', false);
    expect(query('[part="code-language"]').textContent).to.equal('js');
    expect(query('.code-keyword')).to.equal(null);
    draw('```js\nconst a = "b";\n```', true);
    expect(query('.code-keyword').textContent).to.equal('const');
    expect(query('pre').textContent).to.equal('const a = "b";');
    query('button').click();
    expect(copied).to.deep.equal(['const a = "b";']);
    draw('```nosuchlanguage\nx\n```', true);
    expect(query('pre code').innerHTML.replace(/<!--.*?-->/g, '')).to.equal('x');
  });

  it('sets formulas, and leaves what is no TeX as it was written', () => {
    show('So $x^2$ and\n\n$$\n\\frac{1}{2}\n$$\n\nbut $\\nosuchcommand{x}$ and $5 or $6.');
    expect(box.querySelectorAll('math')).to.have.lengthOf(2);
    expect(query('math msup').textContent).to.equal('x2');
    expect(query('[part="math"].display mfrac').textContent).to.equal('12');
    expect(box.textContent).to.include('$\\nosuchcommand{x}$').and.to.include('$5 or $6.');
  });

  it('does without colours where they would take too long', () => {
    const colours = (code: string, language: string) => {
      show(`\`\`\`${language}\n${code}\n\`\`\``);
      return box.querySelectorAll('pre span').length;
    };
    expect(colours('let a = 1;\n'.repeat(100), 'js')).to.equal(200);
    expect(colours('let a = 1;\n'.repeat(1000), 'js')).to.equal(0);
    expect(colours('let a = 1; '.repeat(100), 'js')).to.equal(0);
    expect(colours('[a]('.repeat(100), 'markdown')).to.equal(0);
    expect(colours('def '.repeat(300), 'cpp')).to.equal(0);
  });

  it('draws again when a part that it needs has come, once', async () => {
    let arrive = (_: {word: string}) => {};
    let asked = 0;
    const part = new Lazy(() => {
      asked += 1;
      return new Promise<{word: string}>((resolve) => (arrive = resolve));
    });
    expect(part.value).to.equal(null);
    const [first, second] = [part.load(), part.load()];
    arrive({word: 'here'});
    await Promise.all([first, second]);
    expect([asked, part.value?.word, part.failed]).to.deep.equal([1, 'here', false]);
  });

  it('does without a part that cannot be fetched', async () => {
    const part = new Lazy(() => Promise.reject(new Error('offline')));
    await part.load();
    expect([part.value, part.failed]).to.deep.equal([null, true]);
  });

  it('leaves a formula as it was written that would leave its place, or be too much to lay out', () => {
    const large = [
      '\\raise 12em{x}',
      '\\raise 3em{\\raise 3em{x}}',
      '\\lower 9999em x',
      `${'\\sqrt{'.repeat(60)}x${'}'.repeat(60)}`,
      `${'\\frac1{'.repeat(60)}x${'}'.repeat(60)}`,
      'x^2'.repeat(900),
    ];
    show(large.map((tex) => `$${tex}$`).join('\n\n'));
    expect(box.querySelectorAll('math')).to.have.lengthOf(0);
    show('$\\raisebox{1em}{x}$ $\\frac{1}{1+\\frac{1}{2}}$');
    expect(box.querySelectorAll('math')).to.have.lengthOf(2);
  });

  it('lays out what it takes for a formula in bounded time, brackets in brackets too', () => {
    document.body.append(box);
    for (const [begin, end] of [
      ['\\left(', '\\right)'],
      ['\\frac{1}{', '}'],
      ['\\sqrt{', '}'],
      ['\\overbrace{', '}'],
      ['x^{', '}'],
    ]) {
      const tex = `${begin.repeat(12)}y${end.repeat(12)}`;
      const began = performance.now();
      show(`$${tex}$`);
      box.getBoundingClientRect();
      expect(performance.now() - began, tex).to.be.below(1000);
    }
    box.remove();
  });

  it('says where a link leads beside what it is called, and does not let its letters be turned around', () => {
    show('[moc.elpmaxe](https://evil.example "https://bank.example") [a&#8238;b](https://b.example)');
    expect(query('a').title).to.equal('https://bank.example\nhttps://evil.example/');
    show('[a&#8238;b\u202dc](https://b.example)');
    expect(query('a').textContent).to.equal('abc');
  });

  it('reads a long text in pieces, the end of a page first, and shows it as it stands until then', async () => {
    const long = `${'Some **bold** text.\n\n'.repeat(2000)}The end.`;
    const other = document.createElement('div');
    pace.limit = 0;
    show(long);
    show('Later **b**.', true, other);
    expect([query('div').textContent, other.textContent]).to.deep.equal([long, 'Later **b**.']);
    pace.limit = 10;
    const gaps: number[] = [];
    let last = performance.now();
    while (pace.busy) {
      await new Promise((resolve) => setTimeout(resolve));
      if (other.querySelector('strong') && box.querySelector('strong')) gaps.push(performance.now() - last);
      last = performance.now();
    }
    expect(other.querySelector('strong')?.textContent).to.equal('b');
    expect(gaps.length).to.be.above(5);
    expect(box.querySelectorAll('strong')).to.have.lengthOf(2000);
    expect(query('div').lastElementChild?.textContent).to.equal('The end.');
    pace.limit = Number.POSITIVE_INFINITY;
  });
});

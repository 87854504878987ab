import {expect} from 'chai';
import {readHtml, readPage} from '../../../src/indexer/read-page.ts';
import {MAX_DEPTH, PageSkipped} from '../../../src/knowledge/extract.ts';
import {cutPassages} from '../../../src/knowledge/passages.ts';

const texts = (html: string): string[] => readHtml(html).blocks.map(({text}) => text);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const reason = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof PageSkipped) return error.reason;
    throw error;
  }
  return 'read';
};

describe('what is content on a page', () => {
  it('is the main part, with headings and their anchors', () => {
    const page = readHtml(`<html lang=de><title>T &amp; U</title><nav>menu</nav><header><h1>Site</h1></header>
      <main><h1 id=top>Title<a class=headerlink href="#top">¶</a></h1><p>One <b>two</b>
      three.</p><h2><a name="old"></a>Sub</h2><ul><li>a<li>b</ul></main><footer>foot</footer>`);
    expect(page).to.include({title: 'T & U', language: 'de', skip: null});
    expect(page.blocks).to.deep.equal([
      {text: 'Title', level: 1, anchor: 'top'},
      {text: 'One two three.', level: 0, anchor: ''},
      {text: 'Sub', level: 2, anchor: 'old'},
      {text: 'a', level: 0, anchor: ''},
      {text: 'b', level: 0, anchor: ''},
    ]);
  });

  it('is never what is hidden, for machines, of forms, or marked to be ignored', () => {
    expect(
      texts(`<body><p>kept</p><script>x</script><style>x</style><template>x</template><p hidden>x</p><p aria-hidden=true>x</p>
        <div data-gemma-ignore><p>x</p></div><div data-pagefind-ignore="all">x</div><select><option>x</select><textarea>x</textarea>
        <button>x</button><gemma-chat><p>x</p></gemma-chat><div role=navigation>x</div><svg><text>x</text></svg><p>kept too`),
    ).to.deep.equal(['kept', 'kept too']);
  });

  it('is only what a page marks, where it marks something', () => {
    expect(texts('<main><p>no</p><div data-pagefind-body><p>yes</p></div></main>')).to.deep.equal(['yes']);
    expect(
      texts('<article><p>card</p></article><p>the page itself, which is much longer than any card on it</p>'),
    ).to.have.length(2);
  });

  it('leaves out a page that asks for it, leads on, says nothing, or only lists links', () => {
    expect(readHtml('<meta name=robots content="noindex, follow"><p>x').skip).to.equal('noindex');
    expect(readHtml('<meta http-equiv=refresh content="0; url=/x"><p>x').skip).to.equal('redirect');
    expect(readHtml('<main></main>').skip).to.equal('empty');
    const links = '<li><a href="/some/page">a page with a name</a></li>'.repeat(30);
    expect(readHtml(`<main><h1>All</h1><ul>${links}</ul></main>`).skip).to.equal('links');
  });

  it('keeps the lines of code, and knows a definition', () => {
    const page = readHtml('<main><pre>a {\n  b\n}</pre><dl><dt id=f>f(x)</dt><dd>Makes x.</dd></dl></main>');
    expect(page.blocks.map(({text, level, anchor}) => [text, level, anchor])).to.deep.equal([
      ['a {\n  b\n}', 0, ''],
      ['f(x)', 7, 'f'],
      ['Makes x.', 0, ''],
    ]);
  });

  it('reads Markdown with its front matter, text, and other encodings', () => {
    const markdown = readPage(
      bytes('---\ntitle: "Set up"\n---\n# Set up\n\n## Über uns!\n\nText <script>x</script>.'),
      'markdown',
    );
    expect(markdown.title).to.equal('Set up');
    expect(markdown.blocks.map(({anchor}) => anchor)).to.deep.equal(['set-up', 'über-uns', '']);
    expect(readPage(bytes('One\ntwo\n\nthree'), 'text').blocks.map(({text}) => text)).to.deep.equal([
      'One\ntwo',
      'three',
    ]);
    expect(readPage(Uint8Array.of(0x3c, 0x70, 0x3e, 0xfc), 'html').blocks[0].text).to.equal('ü');
  });
});

describe('a hostile page', () => {
  it('is skipped when it is nested too deeply or has too much text', () => {
    expect(reason(() => readHtml('<div>'.repeat(MAX_DEPTH + 1)))).to.equal('too-deep');
    expect(reason(() => readHtml(`<p>${'x'.repeat(9e6)}`))).to.equal('too-large');
  });

  it('takes time that grows with its size, whatever is in it', () => {
    const start = performance.now();
    for (const html of [
      '</div>'.repeat(3e5),
      '<p>&lt'.repeat(2e5),
      '<a name=x>'.repeat(400),
      `<p ${'a=b '.repeat(2e5)}>x`,
      '<'.repeat(1e6),
      '&'.repeat(1e6),
      '<!--'.repeat(2e5),
    ]) {
      reason(() => readHtml(html));
    }
    // Half a second on an idle machine; squares of these sizes would be hours.
    expect(performance.now() - start).to.be.below(20_000);
  });
});

describe('cutPassages', () => {
  const words = (n: number, word = 'word'): string => `${word} `.repeat(n).trim();
  const size = {least: 20, enough: 40, most: 60};
  const cut = (html: string) => cutPassages('Page', readHtml(html).blocks, size);

  it('begins a passage at a heading, with the path to it, unless the one before is short', () => {
    const passages = cut(
      `<main><h1 id=t>T</h1><p>short</p><h2 id=a>A</h2><p>${words(30)}</p><h3 id=b>B</h3><p>${words(30)}</p></main>`,
    );
    expect(passages.map(({headings, anchor}) => [headings.join(' > '), anchor])).to.deep.equal([
      ['T', 't'],
      ['T > A > B', 'b'],
    ]);
    expect(passages[0].terms).to.equal('T\nA');
  });

  it('cuts long sections between blocks and long blocks between sentences, and loses no word', () => {
    const long = Array.from({length: 30}, (_, i) => `This is sentence number ${i}, which says little.`).join(' ');
    const passages = cut(`<main><h1>T</h1><p>${words(30)}</p><p>${words(35)}</p><p>${long}</p></main>`);
    expect(passages.length).to.be.greaterThan(4);
    for (const {text} of passages) expect(text.split(/\s+/).length).to.be.at.most(size.most);
    const all = passages.map(({text}) => text).join(' ');
    for (let i = 0; i < 30; i++) expect(all).to.contain(`number ${i},`);
  });

  it('cuts what has no sentences, and scripts without spaces', () => {
    expect(cut(`<p>${words(500)}</p>`).length).to.be.greaterThan(7);
    expect(cut(`<p>${'汉字'.repeat(500)}</p>`).length).to.be.greaterThan(7);
  });
});

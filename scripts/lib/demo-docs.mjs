// The docs as pages of the demo, and their index: what `npx gemma-chat index` makes of any site. Knows no look but site.css.
import {cp, mkdir, readdir, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {Marked} from 'marked';

/** Folders that are read by people who work on the code. */
const LEFT_OUT = /^(adr|pictures)\//;

/** As GitHub makes an anchor of a heading. */
const slug = (text) =>
  text
    .toLowerCase()
    .replace(/<[^>]+>|&[a-z]+;|[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

/** Where a link of page `name` leads among the built pages; null for a file that is none of them. */
function builtLink(href, name, names) {
  if (/^(\w+:|#)/.test(href)) return href;
  const [file, anchor = ''] = href.split(/(?=#)/);
  if (!file.endsWith('.md')) return file.startsWith('pictures/') ? href : null;
  if (!names.includes(path.posix.join(path.posix.dirname(name), file))) return null;
  return builtName(file) + anchor;
}

const builtName = (file) => file.replace(/\.md$/, '.html').replace(/README\.html$/, 'index.html');

function render(markdown, name, names) {
  const taken = new Map();
  const marked = new Marked({
    renderer: {
      heading({tokens, depth}) {
        const html = this.parser.parseInline(tokens);
        const id = slug(html);
        const before = taken.get(id) ?? 0;
        taken.set(id, before + 1);
        return `<h${depth} id="${before === 0 ? id : `${id}-${before}`}">${html}</h${depth}>\n`;
      },
      tablecell({tokens, header}) {
        const html = this.parser.parseInline(tokens);
        // A head without a word heads nothing.
        const tag = header && html !== '' ? 'th' : 'td';
        return `<${tag}>${html}</${tag}>\n`;
      },
      link({href, tokens}) {
        const text = this.parser.parseInline(tokens);
        const to = builtLink(href, name, names);
        return to === null ? text : `<a href="${to.replaceAll('"', '%22')}">${text}</a>`;
      },
    },
  });
  return marked.parse(markdown);
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** @param up from the page to the demo's folder, as `../` */
function page({title, body, navigation, up}) {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escaped(title)}: gemma-chat</title>
    <link rel="icon" href="${up}icon.svg" />
    <link rel="stylesheet" href="${up}site.css" />
    <script type="module" src="${up}../gemma-chat.js"></script>
  </head>
  <body>
    ${navigation
      .trim()
      .replace('href="docs/index.html"', '$& aria-current="page"')
      .replaceAll(/href="(?!#)/g, `href="${up}`)}
    <main id="main" class="doc">
${body}
    </main>
    <gemma-chat display="launcher" label="Ask the docs" knowledge-src="${up}knowledge/" starters="auto"></gemma-chat>
  </body>
</html>
`;
}

/**
 * Writes each page of `from` as HTML into `<to>/docs`, and their index into `<to>/knowledge`.
 * @param {{from: string, to: string, navigation: string, indexSite: (options: {folder: string, out: string}) => Promise<unknown>}} options
 */
export async function buildDocs({from, to, navigation, indexSite}) {
  const folder = path.join(to, 'docs');
  const all = await readdir(from, {recursive: true});
  const names = all.filter((each) => each.endsWith('.md') && !LEFT_OUT.test(each));
  for (const name of names) {
    const markdown = await readFile(path.join(from, name), 'utf8');
    const title = markdown.match(/^# (.+)$/m)?.[1] ?? name;
    const file = path.join(folder, builtName(name));
    const up = '../'.repeat(name.split('/').length);
    await mkdir(path.dirname(file), {recursive: true});
    await writeFile(file, page({title, body: render(markdown, name, names), navigation, up}));
  }
  await cp(path.join(from, 'pictures'), path.join(folder, 'pictures'), {recursive: true});
  await indexSite({folder, out: path.join(to, 'knowledge')});
}

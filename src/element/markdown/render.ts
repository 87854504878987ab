// Markdown tokens to templates. Every piece of text goes in as a text node or as an attribute with a fixed name, so an
// answer can look like anything but do nothing. Knows neither the text's source nor how it grows.
import type {TemplateResult} from 'lit';
import {citedText} from '../../knowledge/citations.ts';
import type {MessageSource} from '../../protocol/messages.ts';
import {html, nothing} from '../handed.ts';
import {copyIcon} from '../views/late-icons.ts';
import type {Piece} from './colours.ts';
import {decodeEntities} from './entities.ts';
import type {MarkdownEnvironment} from './environment.ts';
import {safeHref, safeImageSrc} from './links.ts';
import {languageOf, type Parts} from './parts.ts';
import type {Token} from './tokens.ts';

interface Place {
  readonly env: MarkdownEnvironment;
  /** The block is still being written. */
  readonly open: boolean;
  readonly depth: number;
}

export type Rendered = TemplateResult | Node | string | symbol | Rendered[];

/** Deeper is nothing that was written to be read. */
const MAX_DEPTH = 32;
/** They turn the letters of a text around, as those of a link's name to show another address. */
const OVERRIDES = /[\u202d\u202e]/g;

const shown = (text: string) => text.replace(OVERRIDES, '');

/** Templates of the blocks of one text. */
export class BlockRenderer {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  render(token: Token, env: MarkdownEnvironment, open: boolean): Rendered {
    return this.#token(token, {env, open, depth: 0});
  }

  #all(tokens: readonly Token[] | undefined, place: Place): Rendered {
    if (place.depth >= MAX_DEPTH) return (tokens ?? []).map(({raw}) => raw).join('');
    return (tokens ?? []).map((token) => this.#token(token, {...place, depth: place.depth + 1}));
  }

  #token(token: Token, place: Place): Rendered {
    const inside = () => this.#all(token.tokens, place);
    switch (token.type) {
      case 'space':
      case 'def':
        return nothing;
      case 'paragraph':
        return html`<p part="paragraph" dir="auto">${inside()}</p>`;
      case 'heading':
        return this.#heading(token.depth, inside());
      case 'blockquote':
        return html`<blockquote part="quote" dir="auto">${inside()}</blockquote>`;
      case 'hr':
        return html`<hr part="rule" />`;
      case 'list':
        return this.#list(token, place);
      case 'table':
        return this.#table(token, place);
      case 'code':
        return this.#code(token, place);
      case 'math':
        return this.#math(token);
      case 'strong':
        return html`<strong>${inside()}</strong>`;
      case 'em':
        return html`<em>${inside()}</em>`;
      case 'del':
        return html`<del>${inside()}</del>`;
      case 'codespan':
        return html`<code part="inline-code">${shown(token.text)}</code>`;
      case 'br':
        return html`<br />`;
      case 'link':
        return this.#link(token, place);
      case 'image':
        return this.#image(token, place);
      case 'escape':
        return shown(token.text);
      case 'text':
        return token.tokens ? inside() : this.#text(shown(decodeEntities(token.text)), place);
      default:
        return shown(token.raw);
    }
  }

  /** Two levels down: the chat has a title of its own, and the page has its. */
  #heading(depth: number, inside: Rendered): TemplateResult {
    if (depth === 1) return html`<h3 part="heading heading-1" dir="auto">${inside}</h3>`;
    if (depth === 2) return html`<h4 part="heading heading-2" dir="auto">${inside}</h4>`;
    if (depth === 3) return html`<h5 part="heading heading-3" dir="auto">${inside}</h5>`;
    return html`<h6 part="heading heading-4" dir="auto">${inside}</h6>`;
  }

  #list({ordered, start, items}: Token, place: Place): TemplateResult {
    const entries = items.map((item: Token) => this.#item(item, place));
    return ordered
      ? html`<ol part="list" dir="auto" start=${start}>${entries}</ol>`
      : html`<ul part="list" dir="auto">${entries}</ul>`;
  }

  #item(item: Token, place: Place): TemplateResult {
    const {language} = place.env;
    const inside = this.#all(
      item.tokens?.filter(({type}) => type !== 'checkbox'),
      place,
    );
    if (!item.task) return html`<li>${inside}</li>`;
    const label = language.text(item.checked ? 'taskDone' : 'taskOpen');
    return html`<li class="task"><span class="box" role="img" aria-label=${label}>${item.checked ? '☑' : '☐'}</span>${inside}</li>`;
  }

  #table({header, rows}: Token, place: Place): TemplateResult {
    const cell = (token: Token) => this.#all(token.tokens, place);
    const align = ({align}: Token) => align ?? nothing;
    return html`<div class="scroll" role="group" tabindex="0" aria-label=${place.env.language.text('table')}>
      <table part="table" dir="auto">
        <thead><tr>${header.map((head: Token) => html`<th scope="col" class=${align(head)}>${cell(head)}</th>`)}</tr></thead>
        <tbody>${rows.map(
          (row: Token[]) => html`<tr>${row.map((data) => html`<td class=${align(data)}>${cell(data)}</td>`)}</tr>`,
        )}</tbody>
      </table>
    </div>`;
  }

  #code(token: Token, {env: {language, copy}, open}: Place): TemplateResult {
    const {text} = token;
    const copyCode = (event: Event) => copy(text, event.currentTarget as HTMLElement);
    const pieces = open ? null : this.#parts.colours(token);
    return html`<div part="code-block">
      <div class="code-head">
        <span part="code-language">${decodeEntities(languageOf(token)).slice(0, 40)}</span>
        <button part="button copy-code-button" type="button" aria-label=${language.text('copyCode')} @click=${copyCode}>${copyIcon()}</button>
      </div>
      <pre part="code" role="group" tabindex="0" dir="ltr" aria-label=${language.text('code')}><code>${pieces ? pieces.map((piece) => this.#piece(piece)) : text}</code></pre>
    </div>`;
  }

  #piece(piece: Piece): Rendered {
    if (typeof piece === 'string') return piece;
    const inside = piece.pieces.map((each) => this.#piece(each));
    return html`<span class=${`code-${piece.kind}`}>${inside}</span>`;
  }

  #math(token: Token): Rendered {
    const formula = this.#parts.formula(token);
    return html`<span part="math" class=${token.display ? 'display' : 'inline'} dir="ltr">${formula ?? token.raw}</span>`;
  }

  /** Text, with the numbers of passages as links to them. */
  #text(text: string, {env}: Place): Rendered {
    const {sources} = env;
    if (!sources?.length || !text.includes('[')) return text;
    return citedText(text, sources.length).map((piece) =>
      'passage' in piece ? this.#citation(piece.passage, sources, env) : piece.text,
    );
  }

  #citation(number: number, sources: readonly MessageSource[], {language}: MarkdownEnvironment): TemplateResult {
    const {url, title, headings, text} = sources[number - 1];
    const name = language.text('source', {number, title: headings.at(-1) ?? title});
    const preview = shown(`${title}\n${text.slice(0, 200)}`);
    return html`<a part="link citation" href=${safeHref(url, document.baseURI) ?? nothing} title=${preview} aria-label=${name}>${number}</a>`;
  }

  #link(token: Token, place: Place): Rendered {
    // A definition in the answer must not turn a passage's number into another link.
    if (place.env.sources && /^\[\d+\]$/.test(token.raw)) return this.#text(token.raw, place);
    if (isForeign(decodeEntities(token.href), place.env)) return shown(token.raw);
    // In what was recognised as an address, nothing stands for anything else.
    const decode = token.autolink ? (text: string) => text : decodeEntities;
    const inside = token.autolink ? shown(token.text) : this.#all(token.tokens, place);
    return this.#anchor(decode(token.href), token.title ? decode(token.title) : null, inside);
  }

  #image(token: Token, {env}: Place): Rendered {
    const src = decodeEntities(token.href);
    const alt = shown(decodeEntities(token.text));
    if (isForeign(src, env)) return alt;
    const safe = env.images ? safeImageSrc(src, document.baseURI) : null;
    if (!safe) return this.#anchor(src, token.title, alt || env.language.text('image'));
    return html`<img part="image" src=${safe} alt=${alt} loading="lazy" decoding="async" referrerpolicy="no-referrer" />`;
  }

  #anchor(href: string, title: string | null, inside: Rendered): TemplateResult {
    const safe = safeHref(href, document.baseURI);
    return html`<a
      part="link"
      href=${safe ?? nothing}
      title=${title ? safeTitle(title, safe) : nothing}
      target="_blank"
      rel="noopener noreferrer nofollow"
      referrerpolicy="no-referrer"
      >${inside}</a
    >`;
  }
}

/** A title is the model's word; the address after it is what is opened. */
function safeTitle(title: string, href: string | null): string {
  return href ? `${shown(title)}\n${href}` : shown(title);
}

/** An answer from passages links to where they are from, and nowhere else: a passage may have asked for more. */
function isForeign(href: string, {sources}: MarkdownEnvironment): boolean {
  const safe = sources && safeHref(href, document.baseURI);
  if (!sources || !safe) return false;
  const {origin} = new URL(safe);
  return origin !== location.origin && !sources.some(({url}) => URL.canParse(url) && new URL(url).origin === origin);
}

// Markdown tokens to templates. Every piece of text goes in as a text node or as an attribute with a fixed name, so an
// answer can look like anything but do nothing. Knows neither the text's source nor how it grows.
import type {TemplateResult} from 'lit';
import {colours, html, mathematics, nothing} from '../handed.ts';
import type {Language} from '../languages/index.ts';
import {copyIcon} from '../views/late-icons.ts';
import type {Piece} from './colours.ts';
import {decodeEntities} from './entities.ts';
import {safeHref, safeImageSrc} from './links.ts';
import type {Token} from './tokens.ts';

export interface MarkdownEnvironment {
  readonly language: Language;
  /** Show images; a link stands in their place otherwise. */
  readonly images: boolean;
  /** Copies text for the visitor; the button that was pressed shows that it was done. */
  copy(text: string, button: HTMLElement): void;
}

interface Place {
  readonly env: MarkdownEnvironment;
  /** The block is still being written. */
  readonly open: boolean;
  readonly depth: number;
}

type Rendered = TemplateResult | Element | string | symbol | Rendered[];

/** Deeper is nothing that anybody wrote to be read. */
const MAX_DEPTH = 32;

export function renderBlock(token: Token, env: MarkdownEnvironment, open: boolean): Rendered {
  return renderToken(token, {env, open, depth: 0});
}

/** Whether there is something in a token that waits for a part which is loaded when it is needed. */
export function needs(token: Token, type: 'code' | 'math'): boolean {
  return token.type === type || inside(token).some((child) => needs(child, type));
}

/** A table's cells have tokens, and no type. */
function inside(token: Token): Token[] {
  if (token.type === 'table') return [token.header, ...token.rows].flat();
  return token.items ?? token.tokens ?? [];
}

function renderAll(tokens: readonly Token[] | undefined, place: Place): Rendered {
  if (place.depth >= MAX_DEPTH) return (tokens ?? []).map(({raw}) => raw).join('');
  return (tokens ?? []).map((token) => renderToken(token, {...place, depth: place.depth + 1}));
}

function renderToken(token: Token, place: Place): Rendered {
  const inside = () => renderAll(token.tokens, place);
  switch (token.type) {
    case 'space':
    case 'def':
      return nothing;
    case 'paragraph':
      return html`<p>${inside()}</p>`;
    case 'heading':
      return renderHeading(token.depth, inside());
    case 'blockquote':
      return html`<blockquote>${inside()}</blockquote>`;
    case 'hr':
      return html`<hr />`;
    case 'list':
      return renderList(token, place);
    case 'table':
      return renderTable(token, place);
    case 'code':
      return renderCode(token, place);
    case 'math':
      return renderMath(token);
    case 'strong':
      return html`<strong>${inside()}</strong>`;
    case 'em':
      return html`<em>${inside()}</em>`;
    case 'del':
      return html`<del>${inside()}</del>`;
    case 'codespan':
      return html`<code>${token.text}</code>`;
    case 'br':
      return html`<br />`;
    case 'link':
      return renderLink(token, place);
    case 'image':
      return renderImage(token, place);
    case 'escape':
      return token.text;
    case 'text':
      return token.tokens ? inside() : decodeEntities(token.text);
    default:
      return token.raw;
  }
}

/** Two levels down: the chat has a title of its own, and the page has its. */
function renderHeading(depth: number, inside: Rendered): TemplateResult {
  if (depth === 1) return html`<h3>${inside}</h3>`;
  if (depth === 2) return html`<h4>${inside}</h4>`;
  return depth === 3 ? html`<h5>${inside}</h5>` : html`<h6>${inside}</h6>`;
}

function renderList({ordered, start, items}: Token, place: Place): TemplateResult {
  const entries = items.map((item: Token) => renderItem(item, place));
  return ordered ? html`<ol start=${start}>${entries}</ol>` : html`<ul>${entries}</ul>`;
}

function renderItem(item: Token, place: Place): TemplateResult {
  const {language} = place.env;
  const inside = renderAll(
    item.tokens?.filter(({type}) => type !== 'checkbox'),
    place,
  );
  if (!item.task) return html`<li>${inside}</li>`;
  const label = language.text(item.checked ? 'taskDone' : 'taskOpen');
  return html`<li class="task"><span class="box" role="img" aria-label=${label}>${item.checked ? '☑' : '☐'}</span>${inside}</li>`;
}

function renderTable({header, rows}: Token, place: Place): TemplateResult {
  const cell = (token: Token) => renderAll(token.tokens, place);
  const align = ({align}: Token) => align ?? nothing;
  return html`
    <div class="scroll" role="group" tabindex="0" aria-label=${place.env.language.text('table')}>
      <table part="table">
        <thead><tr>${header.map((head: Token) => html`<th scope="col" class=${align(head)}>${cell(head)}</th>`)}</tr></thead>
        <tbody>${rows.map(
          (row: Token[]) => html`<tr>${row.map((data) => html`<td class=${align(data)}>${cell(data)}</td>`)}</tr>`,
        )}</tbody>
      </table>
    </div>
  `;
}

function renderCode({text, lang}: Token, {env: {language, copy}, open}: Place): TemplateResult {
  const name = decodeEntities((lang ?? '').trim().split(/\s/)[0]).slice(0, 40);
  const copyCode = (event: Event) => copy(text, event.currentTarget as HTMLElement);
  // Colours come with the block's end: what is still growing would change them under the reader's eyes.
  const pieces = name && !open ? colours.value?.colourCode(text, name.toLowerCase()) : null;
  return html`
    <div part="code-block">
      <div class="code-head">
        <span part="code-language">${name}</span>
        <button part="button copy-code-button" type="button" aria-label=${language.text('copyCode')} @click=${copyCode}>${copyIcon()}</button>
      </div>
      <pre part="code" role="group" tabindex="0" dir="ltr" aria-label=${language.text('code')}><code>${pieces ? pieces.map(renderPiece) : text}</code></pre>
    </div>
  `;
}

function renderPiece(piece: Piece): Rendered {
  return typeof piece === 'string'
    ? piece
    : html`<span class=${`code-${piece.kind}`}>${piece.pieces.map(renderPiece)}</span>`;
}

function renderMath({text, raw, display}: Token): Rendered {
  const formula = mathematics.value?.renderFormula(text, display) ?? null;
  return html`<span part="math" class=${display ? 'display' : 'inline'} dir="ltr">${formula ?? raw}</span>`;
}

function renderLink(token: Token, place: Place): TemplateResult {
  // In what was recognised as an address, nothing stands for anything else.
  const decode = token.autolink ? (text: string) => text : decodeEntities;
  const inside = token.autolink ? token.text : renderAll(token.tokens, place);
  return anchor(decode(token.href), token.title ? decode(token.title) : null, inside);
}

function renderImage(token: Token, {env}: Place): TemplateResult {
  const src = decodeEntities(token.href);
  const alt = decodeEntities(token.text);
  const shown = env.images ? safeImageSrc(src, document.baseURI) : null;
  if (!shown) return anchor(src, token.title, alt || env.language.text('image'));
  return html`<img part="image" src=${shown} alt=${alt} loading="lazy" decoding="async" referrerpolicy="no-referrer" />`;
}

function anchor(href: string, title: string | null, inside: Rendered): TemplateResult {
  const safe = safeHref(href, document.baseURI);
  return html`<a
    part="link"
    href=${safe ?? nothing}
    title=${title ?? nothing}
    target="_blank"
    rel="noopener noreferrer nofollow"
    referrerpolicy="no-referrer"
    >${inside}</a
  >`;
}

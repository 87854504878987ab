// A chunk of its own: what a chat has that knows the site's pages. From a question to passages (an index, this page, or the
// page's own function), from passages to what the model is asked or what stands in its answer's place, and the list of
// sources beneath an answer.
import type {TemplateResult} from 'lit';
import type {FindRequest} from '../../client/find.ts';
import type {GemmaClient} from '../../client/index.ts';
import {readManifest} from '../../knowledge/manifest.ts';
import {groundedMessages, searchText} from '../../knowledge/prompt.ts';
import type {ChatMessage, FoundPassages, MessageSource} from '../../protocol/messages.ts';
import type {Grounded} from '../chat/chat-state.ts';
import {html, nothing} from '../handed.ts';
import type {Language} from '../languages/index.ts';
import {safeHref} from '../markdown/links.ts';
import {fromTheTop} from './from-the-top.ts';
import type {KnowledgeFunction, KnowledgePassage} from './own-passages.ts';
import {findOnPage, headingsOnPage} from './page-passages.ts';

export {hand} from '../handed.ts';

/** Tokens of passages in one prompt, and the most of the model's context that they take. */
const BUDGET = 1500;
const SHARE = 0.4;
const MOST_SOURCES = 5;
/** Of its text, for the best source and for the others: a list of five stays short. */
const BEST_LETTERS = 200;
const LETTERS = 90;

/** What of a chat's options says where its passages come from. */
interface Where {
  knowledge: 'page' | KnowledgeFunction | null;
  knowledgeSrc: string | null;
  /** SHA-256 of the index's manifest. */
  knowledgeIntegrity: string | null;
  /** Which part of this page is read. */
  knowledgeSelector: string | null;
  workerSrc: string | null;
}

/** The chat, as what grounds its answers sees it. */
interface Host {
  options: Where;
  language(): Language;
  find(request: FindRequest): Promise<FoundPassages>;
}

/** Sources that are an answer by themselves, and new. */
const justFound = new WeakSet<readonly MessageSource[]>();

/** `sufficient`: false where nothing good enough was found, and the answer says so. */
export async function ground(
  host: Host,
  messages: readonly ChatMessage[],
  client: GemmaClient | null,
  signal: AbortSignal,
): Promise<Grounded & {sufficient: boolean}> {
  const language = host.language();
  const {sources, sufficient} = await passagesFor(host, searchText(messages), signal);
  if (!sufficient) return {sources: [], text: language.text('notOnSite'), sufficient};
  if (!client) {
    justFound.add(sources);
    return {sources, text: language.text('foundOnSite'), sufficient};
  }
  const budget = Math.min(BUDGET, Math.floor(client.model.contextLength * SHARE));
  const countTokens = async (text: string): Promise<number> => (await client.tokenize(text)).length;
  const turns = messages as {role: 'system' | 'user' | 'assistant'; content: string}[];
  const grounded = await groundedMessages({messages: turns, passages: sources, budget, countTokens});
  return {messages: grounded.messages, sources: sources.slice(0, grounded.given), sufficient};
}

async function passagesFor(
  {options, language, find}: Host,
  question: string,
  signal: AbortSignal,
): Promise<{sources: MessageSource[]; sufficient: boolean}> {
  const {knowledge, knowledgeSrc, knowledgeIntegrity, knowledgeSelector, workerSrc} = options;
  if (typeof knowledge === 'function') {
    const sources = checkPassages(await knowledge(question, {signal}));
    return {sources, sufficient: sources.length > 0};
  }
  const found =
    knowledge === 'page'
      ? await findOnPage(question, knowledgeSelector, language().tag)
      : await find({
          knowledge: {
            url: folder(knowledgeSrc ?? ''),
            ...(knowledgeIntegrity ? {integrity: knowledgeIntegrity} : {}),
          },
          question,
          ...(workerSrc === null ? {} : {workerSrc}),
          signal,
        });
  return {sources: checkPassages(found.passages), sufficient: found.sufficient};
}

/** Headings that a visitor may ask about: those that the index names, or those of this page. */
export async function siteHeadings(options: Where): Promise<readonly string[]> {
  const {knowledge, knowledgeSrc, knowledgeIntegrity, knowledgeSelector} = options;
  if (knowledge === 'page') return headingsOnPage(knowledgeSelector);
  if (typeof knowledge === 'function' || !knowledgeSrc) return [];
  return (await readManifest(folder(knowledgeSrc), knowledgeIntegrity ?? undefined)).starters ?? [];
}

function folder(src: string): string {
  const url = new URL(src, document.baseURI);
  url.hash = url.search = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url.href;
}

/** Only what is well formed and leads to a page. */
function checkPassages(passages: unknown): MessageSource[] {
  if (!Array.isArray(passages)) return [];
  return passages.slice(0, MOST_SOURCES).flatMap((passage: Partial<KnowledgePassage> | null | undefined) => {
    const {url, title, headings, text} = passage ?? {};
    if (typeof url !== 'string' || typeof text !== 'string' || text.trim() === '') return [];
    const href = safeHref(url, document.baseURI);
    if (!href || !/^https?:/.test(href)) return [];
    const path = Array.isArray(headings) ? headings.filter((each) => typeof each === 'string').slice(0, 10) : [];
    return [
      {
        url: href,
        title: typeof title === 'string' ? title : (path[0] ?? href),
        headings: path,
        text: text.slice(0, 20_000),
      },
    ];
  });
}

/** The passages of an answer, each with its page, its heading and the beginning of its text. */
export function renderSources(sources: readonly MessageSource[], language: Language): TemplateResult {
  return html`
    <div part="sources" role="group" aria-label=${language.text('sources')} ${fromTheTop(justFound.has(sources))}>
      <ol part="source-list">${sources.map((source, i) => renderSource(source, i === 0 ? BEST_LETTERS : LETTERS))}</ol>
    </div>
  `;
}

function renderSource({url, title, headings, text}: MessageSource, letters: number): TemplateResult {
  const heading = headings.at(-1);
  const lines = text.split('\n').filter((line) => line.trim() !== '' && line.trim() !== heading);
  return html`
    <li part="source">
      <a part="link source-link" href=${textUrl(url, lines[0] ?? '')}>${heading ?? title}</a>
      ${heading && heading !== title ? html`<span part="source-page" class="quiet">${title}</span>` : nothing}
      <p part="source-text" dir="auto">${shorten(lines.join(' '), letters)}</p>
    </li>
  `;
}

const shorten = (text: string, letters: number): string =>
  text.length > letters ? `${text.slice(0, letters).replace(/\s+\S*$/u, '')} …` : text;

/** The address that scrolls to the passage: by its first words where the browser can, else by its anchor. */
function textUrl(url: string, line: string): string {
  const words = line.trim().split(/\s+/).slice(0, 8).join(' ');
  if (!('fragmentDirective' in document) || words.length < 8) return url;
  const text = encodeURIComponent(words).replaceAll('-', '%2D');
  return `${url}${url.includes('#') ? '' : '#'}:~:text=${text}`;
}

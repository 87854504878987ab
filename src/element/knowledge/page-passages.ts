// What a visitor reads on the page that the chat stands on, as an index in memory. Made anew for each question, so that it
// is true for a page that changes. Knows no model.
import {Extractor, type MarkupEvents, PageSkipped} from '../../knowledge/extract.ts';
import {IndexBuilder} from '../../knowledge/index-builder.ts';
import {cutPassages} from '../../knowledge/passages.ts';
import {type SearchResult, SiteSearch} from '../../knowledge/search.ts';
import {Starters} from '../../knowledge/starters.ts';
import {baseLanguage, Words} from '../../knowledge/terms.ts';

const NOTHING: SearchResult = {passages: [], sufficient: false, confidence: 0, corrections: []};
/** Nodes of the page that are looked at. */
const MOST_NODES = 200_000;

/** @param selector which part of the page; null for its main content */
export async function findOnPage(question: string, selector: string | null, fallback: string): Promise<SearchResult> {
  const extractor = new Extractor();
  try {
    walk(document.documentElement, extractor, selector);
    const {title, language, blocks} = extractor.content();
    const passages = cutPassages(title, blocks);
    if (passages.length === 0) return NOTHING;
    const files = new Map<string, Uint8Array<ArrayBuffer>>();
    const builder = new IndexBuilder((bytes) => {
      const name = `${files.size.toString(16).padStart(24, '0')}.bin`;
      files.set(name, bytes);
      return name;
    });
    const spoken = baseLanguage(language) || baseLanguage(fallback);
    builder.add({url: '', title, language: spoken, passages}, await Words.of(spoken));
    const manifest = JSON.stringify(builder.finish(''));
    const url = location.href.split('#')[0];
    const search = await SiteSearch.open({
      url,
      manifest: async () => manifest,
      file: async (name) => files.get(name)!,
    });
    return await search.search(question, {perPage: 5});
  } catch (error) {
    if (error instanceof PageSkipped) return NOTHING;
    throw error;
  }
}

/** Headings of the page that a visitor may ask about. */
export function headingsOnPage(selector: string | null): string[] {
  const extractor = new Extractor();
  try {
    walk(document.documentElement, extractor, selector);
    const starters = new Starters();
    // Each as of a page of its own: several may be chosen.
    for (const {text, level} of extractor.content().blocks) if (level >= 2 && level <= 6) starters.add([text]);
    return starters.choose();
  } catch (error) {
    if (error instanceof PageSkipped) return [];
    throw error;
  }
}

/** Tells the visible elements and texts of a document as a parser would. Not what is in shadow roots: widgets are. */
function walk(root: Element, events: MarkupEvents, selector: string | null): void {
  let left = MOST_NODES;
  const visit = (node: Node): void => {
    if (--left < 0) return;
    if (node instanceof Text) events.text(node.data);
    if (!(node instanceof Element)) return;
    if (node !== root && node instanceof HTMLElement && !isShown(node)) return;
    const attributes: Record<string, string> = {};
    for (const {name, value} of node.attributes) attributes[name] = value;
    if (selector !== null && node.matches(selector)) attributes['data-gemma-body'] = '';
    events.open(node.localName, attributes);
    for (let child = node.firstChild; child; child = child.nextSibling) visit(child);
    events.close(node.localName);
  };
  visit(root);
}

function isShown(element: HTMLElement): boolean {
  // The head is never shown, and says title and language.
  if (element.closest('head')) return true;
  return element.checkVisibility?.({visibilityProperty: true}) ?? element.getClientRects().length > 0;
}

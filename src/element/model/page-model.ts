// The model that a page names once for all its chats. Knows who names it and who wants to hear of changes; loads nothing.

import type {ModelSrc} from '../../client/model-src.ts';

export interface PageModel {
  readonly modelSrc: ModelSrc | null;
  readonly integrity: string | null;
  readonly workerSrc: string | null;
  readonly contextLength: number | null;
}

type Source = PageModel & Node;

const sources = new Set<Source>();
const listeners = new Set<() => void>();

/** What the first `<gemma-chat-model>` of the document says; null where there is none. */
export function pageModel(): PageModel | null {
  const inOrder = (a: Node, b: Node) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
  return [...sources].sort(inOrder)[0] ?? null;
}

/** Hears of changes of the page's model. */
export function onPageModel(listener: () => void): void {
  listeners.add(listener);
}

/** Hears of them no more. */
export function offPageModel(listener: () => void): void {
  listeners.delete(listener);
}

/** `source` has come into the document, or says something else. */
export function offerPageModel(source: Source): void {
  sources.add(source);
  for (const listener of listeners) listener();
}

/** The source names no model any more; another one counts, if there is any. */
export function withdrawPageModel(source: Source): void {
  sources.delete(source);
  for (const listener of listeners) listener();
}

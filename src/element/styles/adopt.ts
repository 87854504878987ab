// Style sheets of a shadow root beyond those that Lit gives it: of views that came later, and in a document that is not the
// one in which the script runs. A constructed stylesheet belongs to one document.
import type {CSSResult} from 'lit';
import {registerLengths} from './palette.ts';

type Sheets = Map<string, CSSStyleSheet>;
/** By document, so that chats share them. */
const made = new WeakMap<Document, Sheets>();
/** What was added to a root. */
const added = new WeakMap<ShadowRoot, readonly string[]>();

/** Adds styles once, before the last sheet, whose conditions come after everything. */
export function addStyles(root: ShadowRoot, css: string): void {
  const before = added.get(root) ?? [];
  const sheet = before.includes(css) ? null : sheetIn(root.ownerDocument, css);
  if (!sheet) return;
  added.set(root, [...before, css]);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets.slice(0, -1), sheet, ...root.adoptedStyleSheets.slice(-1)];
}

/** The styles in a frame, or in a window of its own. */
export function adoptStylesIn(document: Document, root: ShadowRoot, styles: readonly CSSResult[]): void {
  registerLengths((document.defaultView as (Window & typeof globalThis) | null)?.CSS);
  const texts = styles.map(({cssText}) => cssText);
  texts.splice(-1, 0, ...(added.get(root) ?? []));
  const sheets = texts.map((css) => sheetIn(document, css)).filter((sheet) => sheet !== null);
  if (sheets.length > 0) root.adoptedStyleSheets = sheets;
}

function sheetIn(document: Document, css: string): CSSStyleSheet | null {
  const Sheet = document.defaultView?.CSSStyleSheet;
  if (!Sheet) return null;
  const sheets = made.get(document) ?? new Map<string, CSSStyleSheet>();
  made.set(document, sheets);
  const sheet = sheets.get(css) ?? new Sheet();
  if (!sheets.has(css)) sheet.replaceSync(css);
  sheets.set(css, sheet);
  return sheet;
}

// The styles in a document that is not the one in which the script runs: a frame, or a window of its own. A constructed
// stylesheet belongs to one document.
import type {CSSResult} from 'lit';
import {registerLengths} from './palette.ts';

export function adoptStylesIn(document: Document, root: ShadowRoot, styles: readonly CSSResult[]): void {
  registerLengths((document.defaultView as (Window & typeof globalThis) | null)?.CSS);
  const Sheet = document.defaultView?.CSSStyleSheet;
  if (!Sheet) return;
  root.adoptedStyleSheets = styles.map(({cssText}) => {
    const sheet = new Sheet();
    sheet.replaceSync(cssText);
    return sheet;
  });
}

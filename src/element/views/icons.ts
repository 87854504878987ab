// The icons, drawn in the text's colour; a page may slot its own where an icon is shown once. Names are the buttons' business: an icon says nothing to a screen reader.
import {html} from 'lit';
import {CHAT_PATH} from './icon-paths.ts';

/** An icon of strokes, all in the same weight. */
export const stroked = (d: string) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <path d=${d} fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"></path>
</svg>`;

export const sendIcon = html`<slot name="icon-send">${stroked('M12 19V6M6 12l6-6 6 6')}</slot>`;
export const stopIcon = html`<slot name="icon-stop"><svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor"></rect>
</svg></slot>`;

export const chatIcon = html`<slot name="icon-launcher">${stroked(CHAT_PATH)}</slot>`;
export const downIcon = stroked('M6 9.5l6 6 6-6');
export const closeIcon = html`<slot name="icon-close">${stroked('M6.5 6.5l11 11M17.5 6.5l-11 11')}</slot>`;
export const historyIcon = html`<slot name="icon-history">${stroked('M4 6.5h16M4 12h16M4 17.5h10')}</slot>`;
export const newIcon = html`<slot name="icon-new">${stroked('M12 5v14M5 12h14')}</slot>`;
export const warningIcon = stroked('M12 8.5v4.5M12 16.5v.01M12 3.5l9.5 16.5H2.5z');
export const endIcon = stroked('M12 5v13M6 12l6 6 6-6');

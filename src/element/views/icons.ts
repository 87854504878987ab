// The icons, drawn in the text's colour. Names are the buttons' business: an icon says nothing to a screen reader.
import {html} from 'lit';
import {CHAT_PATH} from './icon-paths.ts';

/** An icon of strokes, all in the same weight. */
const stroked = (d: string) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <path d=${d} fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"></path>
</svg>`;

export const sendIcon = stroked('M12 19V6M6 12l6-6 6 6');
export const stopIcon = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor"></rect>
</svg>`;

export const chatIcon = stroked(CHAT_PATH);
export const downIcon = stroked('M6 9.5l6 6 6-6');
export const closeIcon = stroked('M6.5 6.5l11 11M17.5 6.5l-11 11');
export const historyIcon = stroked('M4 6.5h16M4 12h16M4 17.5h10');
export const newIcon = stroked('M12 5v14M5 12h14');
export const backIcon = html`<span class="mirrored">${stroked('M15 6l-6 6 6 6')}</span>`;
export const warningIcon = stroked('M12 8.5v4.5M12 16.5v.01M12 3.5l9.5 16.5H2.5z');
export const copyIcon = stroked(
  'M9 9h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1zM5 15V5a1 1 0 0 1 1-1h9',
);
export const editIcon = stroked('M4 20h4L19 9l-4-4L4 16zM13 7l4 4');
export const againIcon = stroked('M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5');
export const readIcon = stroked('M4 10v4h3l5 4V6l-5 4zM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11');
export const goodIcon = stroked(
  'M7 11v9H4v-9zM7 11l4-7c2 0 2.500 1.500 2 3l-.5 3H18a2 2 0 0 1 2 2.300l-1 6a2 2 0 0 1-2 1.700H7',
);
export const badIcon = stroked(
  'M17 13V4h3v9zM17 13l-4 7c-2 0-2.500-1.500-2-3l.5-3H6a2 2 0 0 1-2-2.300l1-6A2 2 0 0 1 7 4h10',
);
export const removeIcon = stroked('M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5');
export const previousIcon = stroked('M14 6l-6 6 6 6');
export const nextIcon = stroked('M10 6l6 6-6 6');
export const endIcon = stroked('M12 5v13M6 12l6 6 6-6');
export const exportIcon = stroked('M12 4v11M7.5 10.5L12 15l4.5-4.5M5 19.5h14');

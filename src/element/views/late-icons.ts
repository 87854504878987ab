// The icons of the lazy views. Functions, since what draws them is handed over after the chunk was read.
import {html, stroked} from '../handed.ts';

/** Two sheets. */
export const copyIcon = () =>
  stroked('M9 9h9a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1zM5 15V5a1 1 0 0 1 1-1h9');
/** A pencil. */
export const editIcon = () => stroked('M4 20h4L19 9l-4-4L4 16zM13 7l4 4');
/** An arrow in a circle. */
export const againIcon = () => stroked('M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5');
/** A loudspeaker. */
export const readIcon = () => stroked('M4 10v4h3l5 4V6l-5 4zM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11');
/** A thumb up. */
export const goodIcon = () =>
  stroked('M7 11v9H4v-9zM7 11l4-7c2 0 2.500 1.500 2 3l-.5 3H18a2 2 0 0 1 2 2.300l-1 6a2 2 0 0 1-2 1.700H7');
/** A thumb down. */
export const badIcon = () =>
  stroked('M17 13V4h3v9zM17 13l-4 7c-2 0-2.500-1.500-2-3l.5-3H6a2 2 0 0 1-2-2.300l1-6A2 2 0 0 1 7 4h10');
/** A bin. */
export const removeIcon = () => stroked('M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5');
/** An angle to the left. */
export const previousIcon = () => stroked('M14 6l-6 6 6 6');
/** An angle to the right. */
export const nextIcon = () => stroked('M10 6l6 6-6 6');
/** An arrow down to a line. */
export const exportIcon = () => stroked('M12 4v11M7.5 10.5L12 15l4.5-4.5M5 19.5h14');
/** A plus. */
export const newIcon = () => stroked('M12 5v14M5 12h14');
/** An angle back, turned round in languages from right to left. */
export const backIcon = () => html`<span class="mirrored">${stroked('M15 6l-6 6 6 6')}</span>`;

// The icons, drawn in the text's colour. Names are the buttons' business: an icon says nothing to a screen reader.
import {html} from 'lit';

export const sendIcon = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <path d="M12 19V6M6 12l6-6 6 6" fill="none" stroke="currentColor" stroke-width="2.25" stroke-linecap="round" stroke-linejoin="round"></path>
</svg>`;

export const stopIcon = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor"></rect>
</svg>`;

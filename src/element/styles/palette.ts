// The colours and measures that everything else uses, by the page's custom properties or ours. Text, so that the
// launcher's small script can use it without Lit. Colours follow the page's `color-scheme`; lengths follow the font size
// that the element inherits, never the root's, which many pages set to 10px.

const LENGTHS = {'--_gemma-em': '16px', '--_gemma-gap': '16px', '--_gemma-radius': '14px'};

/**
 * Makes lengths of the palette computed values: an `em` in them is the host's, and 0 needs no unit. In a browser that
 * cannot, an `em` is that of where it is used.
 */
export function registerLengths(css: typeof CSS | undefined = globalThis.CSS): void {
  for (const [name, initialValue] of Object.entries(LENGTHS)) {
    try {
      css?.registerProperty({name, syntax: '<length-percentage>', inherits: true, initialValue});
    } catch {
      // Registered before, by another script of ours.
    }
  }
}

export const palette = `
  :host {
    --_font-size: var(--gemma-chat-font-size, 1em);
    --_gemma-em: max(12px, var(--_font-size));
    --_accent: var(--gemma-chat-accent, light-dark(#2457d6, #8fb0ff));
    --_on-accent: var(--gemma-chat-on-accent, light-dark(#ffffff, #0b1226));
    --_surface: var(--gemma-chat-surface, light-dark(#ffffff, #14171c));
    --_raised: var(--gemma-chat-raised, light-dark(#f3f5f8, #1d2128));
    --_on-bubble: var(--gemma-chat-on-bubble, var(--_text));
    --_answer: var(--gemma-chat-answer, transparent);
    --_answer-padding: var(--gemma-chat-answer-padding, 0);
    --_bubble: var(--gemma-chat-bubble, light-dark(#e4ecfd, #233252));
    --_text: var(--gemma-chat-text, light-dark(#1a1e24, #e7eaef));
    --_muted: var(--gemma-chat-muted, light-dark(#566070, #a2acba));
    --_border: var(--gemma-chat-border, light-dark(#d5dae2, #353c48));
    --_danger: var(--gemma-chat-danger, light-dark(#b3261e, #ff9d94));
    --_code-font: var(--gemma-chat-code-font, ui-monospace, monospace);
    --_gemma-radius: var(--gemma-chat-radius, calc(0.875 * var(--_gemma-em)));
    --_gemma-gap: var(--gemma-chat-gap, var(--_gemma-em));
    --_panel-width: var(--gemma-chat-panel-width, calc(25 * var(--_gemma-em)));
    --_panel-height: var(--gemma-chat-panel-height, calc(40 * var(--_gemma-em)));
    --_shadow: var(--gemma-chat-shadow, 0 calc(0.5 * var(--_gemma-em)) calc(2 * var(--_gemma-em)) rgb(0 0 0 / 22%));
  }
`;
